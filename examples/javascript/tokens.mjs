// From the value of a match key to its secret and its token, and from an account to its row.

import { hmac256, hmac512, idBytes, lp, u8 } from './bytes.mjs';

export const CLASS = { domain: 1, name: 2, variant: 3, fallback: 4 };
export const POPULATION = { customers: 1, opportunities: 2, prospects: 3 };

/** Keys of one kind meet across the two lists: domains are web keys, names and variants both word keys. */
export const KIND_OF_CLASS = { 1: 1, 2: 2, 3: 2, 4: 3 };

/** Gives S_x and T_x. The token is sent; the secret opens the details of this account and stays on this machine. */
export function accountSecret(matchKey, kind, value) {
  const digest = hmac512(matchKey, u8(kind), value);
  return { secret: digest.subarray(0, 32), token: digest.subarray(32, 48) };
}

/** W_x,o: the AES-SIV key under which this owner's content keys are wrapped for this account. */
export const wrapKey = (secret, ownerId) => hmac512(secret, 'escrow/v1 wrap', idBytes(ownerId));

/** Your own opaque name of an account in one partnership; `ownSecret` is 32 random bytes, made once and kept. */
export const row = (ownSecret, partnershipId, accountId) =>
  hmac256(ownSecret, 'escrow/v1 row', idBytes(partnershipId), lp(accountId)).subarray(0, 8);
