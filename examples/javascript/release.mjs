// What the service signs of a release, and how to check it: protocol.md, "Release, byte for byte".

import { createPublicKey, verify } from 'node:crypto';

import { Refusal, idBytes, join, lp, sha256, u32, u64, u8 } from './bytes.mjs';

/** Commits to one cell, seen from the left; state is 0 hidden, 1 withheld, 2 public, and count null unless public. */
export const cellCommitment = ({ salt, left, right, state, count }) =>
  sha256(lp('escrow/v1 cell'), salt, u8(left), u8(right), u8(state), u64(count ?? 0));

/** Commits to the list of one side. */
export const listCommitment = ({ salt, submission, digest }) =>
  sha256(lp('escrow/v1 sub'), salt, u64(submission), digest);

/** Writes what is signed; cells are nine commitments, left-major, lists are those of left and right. */
export const statementBytes = (release) => join(
  lp('escrow/v1 release'), idBytes(release.partnershipId), idBytes(release.leftId), idBytes(release.rightId),
  u64(release.number), u64(release.madeAt), release.previous, u32(release.g), sha256(release.ruleText),
  ...release.cells, ...release.lists,
);

/** Names a public key. */
export const keyId = (publicKey) => sha256(publicKey).subarray(0, 8);

// The second coordinates of the points of small order, in every spelling; under such a key anything can be signed.
const SMALL_ORDER = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

/** Throws unless the service's key, 32 raw bytes, signed this statement. */
export function verifyRelease(publicKey, statement, signature) {
  const withoutSign = Buffer.from(publicKey);
  withoutSign[31] &= 0x7f;
  if (SMALL_ORDER.has(withoutSign.toString('hex'))) throw new Refusal('release-invalid', 'a key of small order');
  const x = publicKey.toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  if (!verify(null, statement, key, signature)) {
    throw new Refusal('release-invalid', "the release is not signed by the service's key");
  }
}
