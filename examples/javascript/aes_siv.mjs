// AES-256-SIV (RFC 5297), which node:crypto does not offer by itself, out of AES-CBC and AES-CTR, which it does.

import { createCipheriv, timingSafeEqual } from 'node:crypto';

const ZERO = Buffer.alloc(16);

/** Gives V || C. `key` is 64 bytes; `plaintext` has at least 16, which holds for every wrap. */
export function sivSeal(key, headers, plaintext) {
  const v = s2v(key.subarray(0, 32), headers, plaintext);
  return Buffer.concat([v, counted(key.subarray(32), v, plaintext)]);
}

/** Gives the plaintext, or null if the key or a header is another, or a byte was changed. */
export function sivOpen(key, headers, sealed) {
  const v = sealed.subarray(0, 16);
  const plaintext = counted(key.subarray(32), v, sealed.subarray(16));
  return timingSafeEqual(v, s2v(key.subarray(0, 32), headers, plaintext)) ? plaintext : null;
}

function s2v(key, headers, plaintext) {
  const d = headers.reduce((state, header) => xor(doubled(state), cmac(key, header)), cmac(key, ZERO));
  const end = plaintext.length - 16;
  return cmac(key, Buffer.concat([plaintext.subarray(0, end), xor(plaintext.subarray(end), d)]));
}

function counted(key, v, text) {
  const start = Buffer.from(v);
  start[8] &= 0x7f; // RFC 5297 clears these two bits, so that counters of 32 or 64 bits do not carry
  start[12] &= 0x7f;
  return createCipheriv('aes-256-ctr', key, start).update(text);
}

/** AES-CMAC (RFC 4493): the last block of a CBC whose last input is masked with a doubled key. */
function cmac(key, message) {
  const last = Math.max(0, Math.ceil(message.length / 16) - 1) * 16;
  const tail = message.subarray(last);
  const once = doubled(cbc(key, ZERO));
  const padded = Buffer.concat([tail, Buffer.of(0x80), ZERO]);
  const masked = tail.length === 16 ? xor(tail, once) : xor(padded, doubled(once));
  return cbc(key, Buffer.concat([message.subarray(0, last), masked])).subarray(-16);
}

const cbc = (key, blocks) => createCipheriv('aes-256-cbc', key, ZERO).setAutoPadding(false).update(blocks);

/** XOR as long as the second operand. */
const xor = (a, b) => Buffer.from(b.map((byte, place) => byte ^ a[place]));

/** Multiplies by x in GF(2^128). */
function doubled(block) {
  const number = BigInt(`0x${block.toString('hex')}`) << 1n;
  const reduced = number >> 128n ? (number ^ 0x87n) & ((1n << 128n) - 1n) : number;
  return Buffer.from(reduced.toString(16).padStart(32, '0'), 'hex');
}
