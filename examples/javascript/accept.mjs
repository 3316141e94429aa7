// Accepts an invitation: node accept.mjs CODE [KEYRING]
//
// Reads ESCROW_URL and ESCROW_API_KEY from the environment. The keyring is a plain file that only you may read, so that
// this stays short; keep yours in your secret store.

import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';

import { Refusal, fromBase64url, toBase64url } from './bytes.mjs';
import { PROFILE } from './domain.mjs';
import { generationKeys } from './generations.mjs';
import { agree, checkInviter, lookup, newKeyPair, readCode, sharedSecret } from './pairing.mjs';
import { wordsGiven } from './program.mjs';
import { connect } from './service.mjs';

const [code, keyringFile = 'keyring.json'] = wordsGiven('node accept.mjs CODE [KEYRING]');
const call = connect(process.env.ESCROW_URL, process.env.ESCROW_API_KEY);

const { commitment, psk } = readCode(code);
const { organization_id: acceptorId } = await call('GET', '/v1/organization');
const invitation = await call('POST', '/v1/invitations/lookup', { lookup: toBase64url(lookup(psk)) });
const [suite, g, profile] = [1, 0, PROFILE];
const isKnown = invitation.suite === suite && invitation.profile === profile;
if (!isKnown) {
  const told = `this program has profile ${profile} and suite ${suite} alone, the invitation is for others`;
  throw new Refusal('profile-unknown', `${told}: ask your partner for a code of escrow invite --profile ${profile}`);
}

const named = {
  partnershipId: invitation.partnership_id,
  inviterId: invitation.inviter.organization_id,
  inviterPublic: fromBase64url(invitation.inviter_public),
};
checkInviter(commitment, named);
const own = newKeyPair();
const shared = sharedSecret(own.private, named.inviterPublic);
const agreed = agree({ shared, psk, suite, g, ...named, acceptorId, acceptorPublic: own.public });
const { matchKey, headKey, nextRoot } = generationKeys(agreed.root, { ...named, suite, g, profile });

// Written before anything is sent, and never over another: an acceptance whose keys are lost cannot be repeated.
const keyring = {
  partnership_id: named.partnershipId,
  organization_id: acceptorId,
  partner_id: named.inviterId,
  suite, g, profile,
  expected_tag: toBase64url(agreed.tagInviter),
  match_key: toBase64url(matchKey),
  head_key: toBase64url(headKey),
  next_root: toBase64url(nextRoot),
  own_secret: toBase64url(randomBytes(32)),
};
try {
  writeFileSync(keyringFile, JSON.stringify(keyring), { mode: 0o600, flag: 'wx' });
} catch ({ code: reason }) {
  throw new Refusal('file-unusable', `${keyringFile} cannot be made (${reason}): name a file that is not there yet`);
}

await call('POST', `/v1/partnerships/${named.partnershipId}/accept`, {
  lookup: toBase64url(lookup(psk)),
  acceptor_public: toBase64url(own.public),
  tag: toBase64url(agreed.tagAcceptor),
});
console.log(`accepted ${invitation.inviter.name}; check ${agreed.check}`);
for (const secret of [psk, own.private, shared, agreed.root]) secret.fill(0);
