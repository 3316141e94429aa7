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

/** Vouches for the last release that this side has seen. */
export const releaseHead = (headKey, ownerId, releaseNumber, statement) =>
  hmac256(headKey, idBytes(ownerId), u64(releaseNumber), sha256(statement));
