// Answers the questions of `escrow conformance vectors -- node conformance.mjs`: a line of JSON in, a line of JSON out.

import { createInterface } from 'node:readline';

import { sha256 } from './bytes.mjs';
import { associatedData, openEnvelope, sealEnvelope } from './envelope.mjs';
import { canary, generationKeys, releaseHead } from './generations.mjs';
import { agree, lookup, makeCode, publicOf, readCode, sharedSecret } from './pairing.mjs';
import { cellCommitment, keyId, listCommitment, statementBytes, verifyRelease } from './release.mjs';
import { accountSecret, row, wrapKey } from './tokens.mjs';

const bytes = (hex) => Buffer.from(hex, 'hex');
const hex = (made) => Object.fromEntries(Object.entries(made).map(([name, value]) => [name, value.toString('hex')]));

const ANSWERS = {
  'pairing.pairings': (given) => {
    const inviterPublic = publicOf(bytes(given.inviter_private));
    const acceptorPublic = publicOf(bytes(given.acceptor_private));
    const named = {
      partnershipId: given.partnership_id, inviterId: given.inviter_org_id, acceptorId: given.acceptor_org_id,
      inviterPublic, acceptorPublic,
    };
    const psk = bytes(given.psk);
    const shared = sharedSecret(bytes(given.acceptor_private), inviterPublic);
    const agreed = agree({ ...named, shared, psk, suite: given.suite, g: given.g });
    const code = makeCode({ ...named, psk });
    const binary = {
      inviter_public: inviterPublic, acceptor_public: acceptorPublic, commitment: readCode(code).commitment,
      lookup: lookup(psk), tag_inviter: agreed.tagInviter, tag_acceptor: agreed.tagAcceptor, root: agreed.root,
    };
    return { ...hex(binary), code, check: agreed.check };
  },
  'pairing.read_codes': ({ code }) => hex(readCode(code)),
  'pairing.refused_codes': ({ code }) => hex(readCode(code)),
  'pairing.refused_public_keys': (given) => hex({ shared: sharedSecret(bytes(given.private), bytes(given.public)) }),
  'generations.generations': ({ partnership_id: partnershipId, suite, root, chain }) => {
    let current = bytes(root);
    const made = chain.map(({ g, profile_id: profile }) => {
      const keys = generationKeys(current, { partnershipId, g, suite, profile });
      current = keys.nextRoot;
      return hex({ match_key: keys.matchKey, head_key: keys.headKey, next_root: keys.nextRoot });
    });
    return { chain: made };
  },
  'generations.canaries': ({ head_key: headKey, owner_org_id: ownerId, g, profile_id: profile, made }) =>
    hex(canary(bytes(headKey), ownerId, { g, profile, made })),
  'generations.heads': (given) =>
    hex({ head: releaseHead(bytes(given.head_key), given.owner_org_id, given.release_number, bytes(given.statement)) }),
  'releases.statements': (given) => {
    const { cells, lists, statement } = releaseOf(given);
    verifyRelease(bytes(given.public_key), statement, bytes(given.signature));
    const made = {
      key_id: keyId(bytes(given.public_key)), rule_digest: sha256(given.rule_text), statement,
      statement_digest: sha256(statement),
    };
    const listed = (commitments) => commitments.map((each) => each.toString('hex'));
    return { ...hex(made), cell_commitments: listed(cells), list_commitments: listed(lists) };
  },
  'releases.refused': (given) => {
    verifyRelease(bytes(given.public_key), bytes(given.statement), bytes(given.signature));
    return {};
  },
  'tokens.match_keys': ({ match_key: key, kind, value }) => hex(accountSecret(bytes(key), kind, value)),
  'tokens.wrap_keys': ({ secret, owner_org_id: owner }) => hex({ wrap_key: wrapKey(bytes(secret), owner) }),
  'tokens.rows': (given) => hex({ row: row(bytes(given.own_secret), given.partnership_id, given.account_id) }),
  'envelopes.seal': (given) => {
    const context = contextOf(given);
    const accounts = given.accounts.map(({ secret, token }) => ({ secret: bytes(secret), token: bytes(token) }));
    const drawn = { contentKey: bytes(given.content_key), nonce: bytes(given.nonce) };
    return hex({ aad: associatedData(context), uploaded: sealEnvelope(given.details, context, accounts, drawn) });
  },
  'envelopes.open': (given) =>
    ({ details: openEnvelope(bytes(given.served), contextOf(given), [bytes(given.secret)]) }),
};

function releaseOf(given) {
  const cells = given.cells.map(({ salt, state, count }, place) =>
    cellCommitment({ salt: bytes(salt), left: 1 + Math.floor(place / 3), right: 1 + (place % 3), state, count }));
  const lists = given.lists.map(({ salt, submission, digest }) =>
    listCommitment({ salt: bytes(salt), submission, digest: bytes(digest) }));
  const statement = statementBytes({
    partnershipId: given.partnership_id, leftId: given.left_org_id, rightId: given.right_org_id,
    number: given.number, madeAt: given.made_at, previous: bytes(given.previous), g: given.g,
    ruleText: given.rule_text, cells, lists,
  });
  return { cells, lists, statement };
}

function contextOf({ context }) {
  return {
    partnershipId: context.partnership_id, g: context.g, profile: context.profile_id,
    ownerId: context.owner_org_id, recipientId: context.recipient_org_id, row: bytes(context.row),
    population: context.population, submission: context.submission, termsNumber: context.terms_number,
  };
}

function answered({ id, do: what, given }) {
  if (!ANSWERS[what]) return { id, unsupported: true };
  try {
    return { id, answer: ANSWERS[what](given) };
  } catch (refusal) {
    return { id, error: refusal.code ?? 'unexpected' };
  }
}

for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(answered(JSON.parse(line))));
