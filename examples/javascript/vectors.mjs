// Holds this client to the published test vectors: node vectors.mjs [FOLDER]
//
// Says for each group how many of its vectors agree. The first that does not, or a group that it does not know, ends it
// with an error.

import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import { sha256 } from './bytes.mjs';
import { associatedData, openEnvelope, sealEnvelope } from './envelope.mjs';
import { canary, generationKeys, releaseHead } from './generations.mjs';
import { agree, checkInviter, lookup, makeCode, publicOf, readCode, sharedSecret, verifyTag } from './pairing.mjs';
import { cellCommitment, keyId, listCommitment, statementBytes, verifyRelease } from './release.mjs';
import { KIND_OF_CLASS, accountSecret, row, wrapKey } from './tokens.mjs';

const published = new URL('../../src/escrow/psi/vectors/', import.meta.url);
const folder = process.argv[2] ? pathToFileURL(`${process.argv[2]}/`) : published;
const bytes = (hex) => Buffer.from(hex, 'hex');
const hex = (buffer) => buffer.toString('hex');
const refused = (code, act) => assert.throws(act, { code });

const CHECKS = {
  pairing: {
    pairings: (vector) => {
      const named = {
        partnershipId: vector.partnership_id, inviterId: vector.inviter_org_id, acceptorId: vector.acceptor_org_id,
        inviterPublic: bytes(vector.inviter_public), acceptorPublic: bytes(vector.acceptor_public),
      };
      const psk = bytes(vector.psk);
      const shared = sharedSecret(bytes(vector.acceptor_private), named.inviterPublic);
      const agreed = agree({ ...named, shared, psk, suite: vector.suite, g: vector.g });
      assert.equal(hex(publicOf(bytes(vector.inviter_private))), vector.inviter_public);
      assert.equal(hex(publicOf(bytes(vector.acceptor_private))), vector.acceptor_public);
      assert.deepEqual(sharedSecret(bytes(vector.inviter_private), named.acceptorPublic), shared);
      assert.equal(makeCode({ ...named, psk }), vector.code);
      assert.equal(hex(lookup(psk)), vector.lookup);
      assert.equal(hex(agreed.root), vector.root);
      assert.equal(agreed.check, vector.check);
      assert.deepEqual(readCode(vector.code), { commitment: bytes(vector.commitment), psk });
      checkInviter(bytes(vector.commitment), named);
      const another = { ...named, inviterId: named.acceptorId };
      refused('inviter-mismatch', () => checkInviter(bytes(vector.commitment), another));
      verifyTag(agreed.tagInviter, bytes(vector.tag_inviter));
      verifyTag(agreed.tagAcceptor, bytes(vector.tag_acceptor));
      refused('confirmation-failed', () => verifyTag(agreed.tagAcceptor, bytes(vector.tag_inviter)));
    },
    read_codes: ({ code, commitment, psk }) => {
      const read = readCode(code);
      assert.deepEqual([hex(read.commitment), hex(read.psk)], [commitment, psk]);
    },
    refused_codes: ({ code }) => refused('pairing-code-invalid', () => readCode(code)),
    refused_public_keys: (vector) =>
      refused('key-exchange-failed', () => sharedSecret(bytes(vector.private), bytes(vector.public))),
  },
  generations: {
    generations: ({ partnership_id: partnershipId, suite, root, chain }) => {
      let current = bytes(root);
      for (const { g, profile_id: profile, ...expected } of chain) {
        const keys = generationKeys(current, { partnershipId, g, suite, profile });
        const made = { match_key: keys.matchKey, head_key: keys.headKey, next_root: keys.nextRoot };
        assert.deepEqual(Object.fromEntries(Object.entries(made).map(([name, key]) => [name, hex(key)])), expected);
        current = keys.nextRoot;
      }
    },
    canaries: ({ head_key: headKey, owner_org_id: ownerId, g, profile_id: profile, made, ...expected }) => {
      const vouched = canary(bytes(headKey), ownerId, { g, profile, made });
      assert.deepEqual({ digest: hex(vouched.digest), canary: hex(vouched.canary) }, expected);
    },
    heads: (vector) => {
      const head = releaseHead(
        bytes(vector.head_key), vector.owner_org_id, vector.release_number, bytes(vector.statement),
      );
      assert.equal(hex(head), vector.head);
    },
  },
  tokens: {
    match_keys: (vector) => {
      assert.equal(KIND_OF_CLASS[vector.class], vector.kind);
      const { secret, token } = accountSecret(bytes(vector.match_key), vector.kind, vector.value);
      assert.deepEqual([hex(secret), hex(token)], [vector.secret, vector.token]);
    },
    wrap_keys: (vector) => assert.equal(hex(wrapKey(bytes(vector.secret), vector.owner_org_id)), vector.wrap_key),
    rows: (vector) =>
      assert.equal(hex(row(bytes(vector.own_secret), vector.partnership_id, vector.account_id)), vector.row),
    // The service makes these, not a client; they are here so that no vector is left out.
    stored_indexes: (vector) => {
      const cipher = createCipheriv('aes-256-ecb', bytes(vector.pepper), null).setAutoPadding(false);
      const made = vector.tokens.map((token) => hex(cipher.update(bytes(token))));
      assert.deepEqual(made, vector.stored_indexes);
    },
  },
  envelopes: {
    envelopes: (vector) => {
      const context = contextOf(vector);
      const accounts = vector.accounts.map(({ secret, token }) => ({ secret: bytes(secret), token: bytes(token) }));
      const drawn = { contentKey: bytes(vector.content_key), nonce: bytes(vector.nonce) };
      assert.equal(hex(associatedData(context)), vector.aad);
      assert.equal(JSON.stringify(vector.details), vector.text);
      assert.equal(hex(sealEnvelope(vector.details, context, accounts, drawn)), vector.uploaded);
      assert.equal(vector.served.length, accounts.length);
      for (const served of vector.served) {
        const { secret } = accounts.find(({ token }) => hex(token) === served.token);
        assert.deepEqual(openEnvelope(bytes(served.bytes), context, [secret]), vector.details);
      }
    },
    refused: (vector) => {
      const secrets = [bytes(vector.secret)];
      refused(vector.error, () => openEnvelope(bytes(vector.served), contextOf(vector), secrets));
    },
  },
  releases: {
    statements: (vector) => {
      const cells = vector.cells.map(({ salt, state, count }, place) =>
        cellCommitment({ salt: bytes(salt), left: 1 + Math.floor(place / 3), right: 1 + (place % 3), state, count }));
      const lists = vector.lists.map(({ salt, submission, digest }) =>
        listCommitment({ salt: bytes(salt), submission, digest: bytes(digest) }));
      const statement = statementBytes({
        partnershipId: vector.partnership_id, leftId: vector.left_org_id, rightId: vector.right_org_id,
        number: vector.number, madeAt: vector.made_at, previous: bytes(vector.previous), g: vector.g,
        ruleText: vector.rule_text, cells, lists,
      });
      assert.deepEqual(cells.map(hex), vector.cell_commitments);
      assert.deepEqual(lists.map(hex), vector.list_commitments);
      assert.equal(hex(statement), vector.statement);
      assert.equal(hex(sha256(statement)), vector.statement_digest);
      assert.equal(hex(sha256(vector.rule_text)), vector.rule_digest);
      assert.equal(hex(keyId(bytes(vector.public_key))), vector.key_id);
      verifyRelease(bytes(vector.public_key), statement, bytes(vector.signature));
    },
    refused: (vector) => refused('release-invalid', () =>
      verifyRelease(bytes(vector.public_key), bytes(vector.statement), bytes(vector.signature))),
  },
};

function contextOf({ context }) {
  return {
    partnershipId: context.partnership_id,
    g: context.g,
    profile: context.profile_id,
    ownerId: context.owner_org_id,
    recipientId: context.recipient_org_id,
    row: bytes(context.row),
    population: context.population,
    submission: context.submission,
    termsNumber: context.terms_number,
  };
}

const read = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'));

for (const [name, checks] of Object.entries(CHECKS)) {
  const groups = read(name);
  assert.deepEqual(Object.keys(groups).sort(), Object.keys(checks).sort(), `${name}.json has other groups`);
  for (const [group, vectors] of Object.entries(groups)) {
    for (const vector of vectors) checks[group](vector);
    console.log(`${name}.json ${group}: ${vectors.length} agree`);
  }
}
