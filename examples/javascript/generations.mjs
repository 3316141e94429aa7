// From a root to the keys of its generation.

import { expand, hmac256, idBytes, join, lp, sha256, u32, u64, u8 } from './bytes.mjs';

/** Draws K_g, head_g and root_{g+1}. Erase the root afterwards: who finds it later can make all three again. */
export function generationKeys(root, { partnershipId, g, suite, profile }) {
  return {
    matchKey: expand(root, join(lp('escrow/v1 match'), idBytes(partnershipId), u32(g), u8(suite), lp(profile)), 32),
    headKey: expand(root, 'escrow/v1 head', 32),
    nextRoot: expand(root, 'escrow/v1 next', 32),
  };
}

/** Digests the match keys made of each published name, in their order, and vouches for them. */
export function canary(headKey, ownerId, { g, profile, made }) {
  const row = (keys) => join(u32(keys.length), ...keys.map((key) => join(u8(key.class), lp(key.value))));
  const digest = sha256(join(lp('escrow/v1 normalised'), ...made.map(row)));
  return { digest, canary: hmac256(headKey, lp('escrow/v1 canary'), idBytes(ownerId), u32(g), lp(profile), digest) };
}

/** Vouches for the last release that this side has seen. */
export const releaseHead = (headKey, ownerId, releaseNumber, statement) =>
  hmac256(headKey, idBytes(ownerId), u64(releaseNumber), sha256(statement));
