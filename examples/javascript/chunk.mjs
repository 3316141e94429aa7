// How a list travels: accounts → canonical records → chunks, and the digest that binds them to their place.

import { idBytes, join, lp, sha256, u16, u32, u64, u8 } from './bytes.mjs';

const SUBMISSION_TYPE = { snapshot: 1, delta: 2 };
const MOST_ACCOUNTS_OF_A_KEY = 5;
// Even with 32 tokens each, the most that an account may have, so many accounts stay below 4 MiB.
const ACCOUNTS_IN_A_CHUNK = 5000;

/** A key on more than five accounts of a list names nobody, and the service refuses a list that has one. */
export function withoutAmbiguousKeys(accounts) {
  const heldBy = new Map();
  for (const { keys } of accounts) {
    for (const { token } of keys) heldBy.set(token.toString('hex'), (heldBy.get(token.toString('hex')) ?? 0) + 1);
  }
  const isClear = ({ token }) => heldBy.get(token.toString('hex')) <= MOST_ACCOUNTS_OF_A_KEY;
  return accounts.map((account) => ({ ...account, keys: account.keys.filter(isClear) }));
}

/** Cuts a list into chunks. Rows ascend within a chunk and from chunk to chunk; an account lies whole in one. */
export function packList(accounts) {
  const ascending = [...accounts].sort((a, b) => Buffer.compare(a.row, b.row));
  const chunks = [];
  do chunks.push(packChunk(ascending.splice(0, ACCOUNTS_IN_A_CHUNK)));
  while (ascending.length);
  return chunks; // an empty list is one empty chunk
}

/** Packs accounts, each `{ row, population, keys: [{ keyClass, token }] }`, their rows ascending. */
export function packChunk(accounts) {
  const accountRecords = accounts.map(({ row, population }) => join(row, u8(population), u8(0), u32(0)));
  const tokenRecords = accounts.flatMap(({ row, keys }) => tokenRecordsOf(row, keys));
  const header = join('ESCK', u8(1), u8(0), u16(0), u32(accountRecords.length), u32(tokenRecords.length));
  return Buffer.concat([header, ...accountRecords, ...tokenRecords]);
}

/** The records of one account, by class and then token, each once: the same list always gives the same bytes. */
function tokenRecordsOf(row, keys) {
  return keys
    .map(({ keyClass, token }) => join(u8(keyClass), token))
    .sort(Buffer.compare)
    .filter((key, place, all) => place === 0 || !key.equals(all[place - 1]))
    .map((key) => join(key.subarray(1), row, key.subarray(0, 1)));
}

/** Names a submission by its content, its place in the sequence and the generation it belongs to. */
export function submissionDigest({ partnershipId, g, profile, type, number, base, chunkDigests }) {
  return sha256(
    lp('escrow/v1 submission'), idBytes(partnershipId), u32(g), lp(profile), u8(SUBMISSION_TYPE[type]),
    u64(number), u64(base), u32(chunkDigests.length), ...chunkDigests,
  );
}
