// Details, sealed so that only who can name the account opens them.

import { createCipheriv, createDecipheriv, randomBytes, timingSafeEqual } from 'node:crypto';

import { sivOpen, sivSeal } from './aes_siv.mjs';
import { Refusal, hmac256, idBytes, join, lp, sha256, u16, u32, u64, u8 } from './bytes.mjs';
import { wrapKey } from './tokens.mjs';

/** What details may say; everything else is refused. */
export const FIELDS = [
  'account_name', 'domain', 'owner_name', 'owner_email', 'region', 'stage', 'open_opportunities', 'tier',
  'created_date', 'crm_id',
];

/** Says whether details may hold a field: one of these, or one of your own that you and your partner named. */
export const mayBeShared = (name) => FIELDS.includes(name) || /^custom\.[a-z][a-z0-9_]{0,29}$/.test(name);

const SIZES = [256, 512, 1024, 2048, 4096];
const HEADER = 1 + 12 + 32 + 2; // version, nonce, commitment, length
const TAG = 16;
const WRAP = 48;

/** All that an envelope belongs to; it opens in no other context. */
export function associatedData(context) {
  return join(
    lp('escrow/v1 envelope'), idBytes(context.partnershipId), u32(context.g), lp(context.profile),
    idBytes(context.ownerId), idBytes(context.recipientId), context.row, u8(context.population),
    u64(context.submission), u32(context.termsNumber),
  );
}

/** Seals details for upload; `accounts` are `{ secret, token }` of the match keys that may reveal under your terms. */
export function sealEnvelope(details, context, accounts, drawn = {}) {
  const { contentKey = randomBytes(32), nonce = randomBytes(12) } = drawn; // given only to reproduce a vector
  const aad = associatedData(context);
  const commit = commitment(contentKey, aad);
  const cipher = createCipheriv('chacha20-poly1305', contentKey, nonce, { authTagLength: TAG }).setAAD(aad);
  const ciphertext = join(cipher.update(padded(JSON.stringify(details))), cipher.final(), cipher.getAuthTag());
  // In the order of tokens: the order of your account's keys would tell which of them came first.
  const wraps = [...accounts]
    .sort((a, b) => Buffer.compare(a.token, b.token))
    .map(({ secret, token }) => join(token, sivSeal(wrapKey(secret, context.ownerId), [aad, commit], contentKey)));
  return join(u8(1), nonce, commit, u16(ciphertext.length), ciphertext, ...wraps);
}

/** Opens a served envelope with the secrets of the row it was served for. Somebody else wrote it: trust nothing. */
export function openEnvelope(unverified, context, secrets, isField = mayBeShared) {
  const { nonce, commit, ciphertext, wrap } = split(unverified);
  const aad = associatedData(context);
  const unwrapped = (secret) => sivOpen(wrapKey(secret, context.ownerId), [aad, commit], wrap);
  const contentKey = secrets.map(unwrapped).find(Boolean);
  if (!contentKey) throw new Refusal('envelope-wrap-invalid', 'no key of this account opens the envelope');
  // ChaCha20-Poly1305 does not commit to its key: without this, one body could open to two texts under two keys.
  if (!timingSafeEqual(commit, commitment(contentKey, aad))) {
    throw new Refusal('envelope-commitment-invalid', 'the wrap holds another key than the body was sealed with');
  }
  return readDetails(decrypted(contentKey, nonce, ciphertext, aad), isField);
}

const commitment = (contentKey, aad) => hmac256(contentKey, 'escrow/v1 commit', sha256(aad));

const invalid = (message) => new Refusal('envelope-invalid', message);

function padded(text) {
  const bytes = join(text);
  const size = SIZES.find((each) => bytes.length <= each);
  if (size === undefined) throw new Refusal('envelope-too-large', 'the details of one account take at most 4096 bytes');
  return Buffer.concat([bytes, Buffer.alloc(size - bytes.length, ' ')]);
}

function split(unverified) {
  if (unverified.length < HEADER || unverified[0] !== 1) throw invalid('not an envelope of version 1');
  const length = unverified.readUInt16BE(HEADER - 2);
  const isWhole = SIZES.includes(length - TAG) && unverified.length === HEADER + length + WRAP;
  if (!isWhole) throw invalid('the envelope has another length than it says');
  return {
    nonce: unverified.subarray(1, 13),
    commit: unverified.subarray(13, 45),
    ciphertext: unverified.subarray(HEADER, HEADER + length),
    wrap: unverified.subarray(HEADER + length),
  };
}

function decrypted(contentKey, nonce, ciphertext, aad) {
  const decipher = createDecipheriv('chacha20-poly1305', contentKey, nonce, { authTagLength: TAG }).setAAD(aad);
  decipher.setAuthTag(ciphertext.subarray(-TAG));
  try {
    return Buffer.concat([decipher.update(ciphertext.subarray(0, -TAG)), decipher.final()]);
  } catch {
    throw invalid('the envelope was changed');
  }
}

// JSON.parse keeps the last of two fields with one name and reads 1e3 as a whole number. One flat object whose values
// are texts or whole numbers has this shape; JSON.parse then judges the rest.
const SPACE = '[ \\t\\r\\n]*';
const STRING = '"(?:[^"\\\\]|\\\\.)*"';
const PAIR = `${SPACE}(${STRING})${SPACE}:${SPACE}(?:${STRING}|-?\\d+)${SPACE}`;
const FLAT_OBJECT = new RegExp(`^\\{(?:${SPACE}|${PAIR}(?:,${PAIR})*)\\}$`, 's');

function readDetails(plaintext, isField) {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plaintext).replace(/ +$/, '');
    const details = JSON.parse(text);
    const names = [...text.matchAll(new RegExp(PAIR, 'gs'))].map(([, name]) => JSON.parse(name));
    const isDetail = (value) => (typeof value === 'string' ? isComposed(value) : Number.isSafeInteger(value));
    const isFine = FLAT_OBJECT.test(text) && padded(text).equals(plaintext) && new Set(names).size === names.length
      && names.every(isField) && Object.values(details).every(isDetail);
    if (isFine) return details;
  } catch {
    // Not UTF-8 or not JSON: refused below like everything else.
  }
  throw invalid('the details are not one padded JSON object of declared fields');
}

const isComposed = (text) => text.normalize('NFC') === text && !/\p{Surrogate}/u.test(text);
