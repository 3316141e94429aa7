// From a pairing code to a token, without a service: the keys are those of the first example in the test vectors.

import { readFileSync } from 'node:fs';

import { PROFILE, plainDomain } from './domain.mjs';
import { generationKeys } from './generations.mjs';
import { agree, checkInviter, readCode, sharedSecret, verifyTag } from './pairing.mjs';
import { CLASS, KIND_OF_CLASS, accountSecret } from './tokens.mjs';

const vectors = new URL('../../src/escrow/psi/vectors/pairing.json', import.meta.url);
const [example] = JSON.parse(readFileSync(vectors, 'utf8')).pairings;
const bytes = (hex) => Buffer.from(hex, 'hex');

// What the code says, and whether the invitation is the one that it was made for.
const { commitment, psk } = readCode(example.code);
const named = {
  partnershipId: example.partnership_id,
  inviterId: example.inviter_org_id,
  inviterPublic: bytes(example.inviter_public),
};
checkInviter(commitment, named);

// What both sides agree on, and whether the inviter has agreed on the same.
const [suite, g] = [1, 0];
const shared = sharedSecret(bytes(example.acceptor_private), named.inviterPublic);
const acceptor = { acceptorId: example.acceptor_org_id, acceptorPublic: bytes(example.acceptor_public) };
const agreed = agree({ shared, psk, suite, g, ...named, ...acceptor });
verifyTag(agreed.tagInviter, bytes(example.tag_inviter));
console.log(`check ${agreed.check}`);

// The key of the generation, a match key, its token.
const { matchKey } = generationKeys(agreed.root, { partnershipId: named.partnershipId, g, suite, profile: PROFILE });
const domain = plainDomain('https://www.iana.org/');
const { token } = accountSecret(matchKey, KIND_OF_CLASS[CLASS.domain], domain);
console.log(`${domain} is sent as ${token.toString('hex')}`);
