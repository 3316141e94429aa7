// How the protocol writes things down: big-endian integers, length prefixes, ids as 16 bytes, text as UTF-8 in NFC.

import { createHash, createHmac } from 'node:crypto';

/** An error that carries one of the project's own codes, such as `confirmation-failed`. */
export class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Joins parts to bytes; a part that is a string stands for its UTF-8 in NFC. This is `||` in the protocol. */
export function join(...parts) {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part.normalize('NFC')) : part)));
}

// The writers of Buffer throw a RangeError when a number does not fit; Buffer.from([300]) would cut it in silence.
const written = (size, write) => {
  const bytes = Buffer.alloc(size);
  write(bytes);
  return bytes;
};
export const u8 = (number) => written(1, (bytes) => bytes.writeUInt8(number));
export const u16 = (number) => written(2, (bytes) => bytes.writeUInt16BE(number));
export const u32 = (number) => written(4, (bytes) => bytes.writeUInt32BE(number));
export const u64 = (number) => written(8, (bytes) => bytes.writeBigUInt64BE(BigInt(number)));

/** LP of the protocol: the length in bytes, then the bytes. */
export function lp(part) {
  const bytes = join(part);
  return join(u32(bytes.length), bytes);
}

/** The 16 bytes of a UUID. Buffer.from(…, 'hex') stops at the first wrong letter without a word, so look first. */
export function idBytes(uuid) {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid)) throw new TypeError('not a UUID in lower case');
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** Unpadded base64url, as binary stands in JSON; the reader takes the one form that the writer makes. */
export const toBase64url = (bytes) => bytes.toString('base64url');
export function fromBase64url(text) {
  const bytes = Buffer.from(text, 'base64url');
  if (toBase64url(bytes) !== text) throw new TypeError('not base64url in its one form');
  return bytes;
}

export const sha256 = (...parts) => createHash('sha256').update(join(...parts)).digest();
export const hmac256 = (key, ...parts) => createHmac('sha256', key).update(join(...parts)).digest();
export const hmac512 = (key, ...parts) => createHmac('sha512', key).update(join(...parts)).digest();

/**
 * HKDF-Expand (RFC 5869) for outputs of up to 32 bytes, which is all that the protocol asks for: the first block is
 * enough. `hkdfSync` of node:crypto would extract first, and the roots here are extracted already.
 */
export const expand = (prk, info, length) => hmac256(prk, info, u8(1)).subarray(0, length);
