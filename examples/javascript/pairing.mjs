// From a pairing code to a root that only the two partners have.

import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, timingSafeEqual } from 'node:crypto';

import { Refusal, expand, hmac256, idBytes, join, lp, sha256, toBase64url, u32, u8 } from './bytes.mjs';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'; // RFC 4648

/** Reads a pairing code as people paste it: lower case, spaces and hyphens are fine, anything else is refused. */
export function readCode(text) {
  const letters = text.replace(/[ -]/g, '');
  // Look before toUpperCase(): it turns some letters outside ASCII, such as ſ, into ones of the alphabet.
  if (!/^[A-Za-z2-7]{60}$/.test(letters)) throw new Refusal('pairing-code-invalid', 'a code has 60 of A–Z and 2–7');
  const number = fromLetters(letters.toUpperCase());
  // 60 letters hold 300 bits and 37 bytes take 296. Were the last four free, a code could be written in 16 ways.
  if (number & 15n) throw new Refusal('pairing-code-invalid', 'the last letter is wrong');
  const code = Buffer.from((number >> 4n).toString(16).padStart(74, '0'), 'hex');
  const body = code.subarray(0, 33);
  if (!code.subarray(33).equals(checksum(body))) throw new Refusal('pairing-code-invalid', 'the code was mistyped');
  if (body[0] !== 1) throw new Refusal('pairing-code-invalid', 'the code is of another version');
  return { commitment: body.subarray(1, 17), psk: body.subarray(17) };
}

/** Writes the code that an inviter hands over. It is a secret until it has been used. */
export function makeCode({ partnershipId, inviterId, inviterPublic, psk }) {
  const body = join(u8(1), commitmentTo({ partnershipId, inviterId, inviterPublic }), psk);
  return toLetters(join(body, checksum(body))).match(/.{5}/g).join('-');
}

const checksum = (body) => sha256('escrow/v1 code', body).subarray(0, 4);

const commitmentTo = ({ partnershipId, inviterId, inviterPublic }) =>
  sha256('escrow/v1 inviter', idBytes(partnershipId), idBytes(inviterId), inviterPublic).subarray(0, 16);

const fromLetters = (letters) =>
  [...letters].reduce((number, letter) => number * 32n + BigInt(ALPHABET.indexOf(letter)), 0n);

function toLetters(bytes) {
  const count = Math.ceil((bytes.length * 8) / 5);
  let number = BigInt(`0x${bytes.toString('hex')}`) << BigInt(count * 5 - bytes.length * 8);
  let letters = '';
  for (; letters.length < count; number >>= 5n) letters = ALPHABET[Number(number & 31n)] + letters;
  return letters;
}

/** What the acceptor asks the service for; it says nothing about the psk, which never leaves this machine. */
export const lookup = (psk) => hmac256(psk, 'escrow/v1 lookup').subarray(0, 16);

/** Throws unless the invitation that the service shows is the one that the code was made for. */
export function checkInviter(commitment, { partnershipId, inviterId, inviterPublic }) {
  if (timingSafeEqual(commitment, commitmentTo({ partnershipId, inviterId, inviterPublic }))) return;
  throw new Refusal('inviter-mismatch', 'this code was made for another invitation; ask the inviter for a new one');
}

// Node takes X25519 keys as key objects. A raw private key becomes one behind this PKCS #8 prefix (RFC 8410), a raw
// public key as a JWK (RFC 8037).
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const privateKey = (raw) => createPrivateKey({ key: join(PKCS8, raw), format: 'der', type: 'pkcs8' });
const publicKey = (raw) => createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: toBase64url(raw) }, format: 'jwk' });

/** The raw public key of a raw private one. */
export const publicOf = (raw) => Buffer.from(createPublicKey(privateKey(raw)).export({ format: 'jwk' }).x, 'base64url');

/** A key pair for one partnership alone, as raw bytes. */
export function newKeyPair() {
  const { d, x } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  return { private: Buffer.from(d, 'base64url'), public: Buffer.from(x, 'base64url') };
}

/** X25519; a public key of small order would make the secret all zero for everybody, and is refused. */
export function sharedSecret(ownPrivate, theirPublic) {
  let shared;
  try {
    shared = diffieHellman({ privateKey: privateKey(ownPrivate), publicKey: publicKey(theirPublic) });
  } catch {
    throw new Refusal('key-exchange-failed', 'the public key of the partner gives no shared secret');
  }
  if (shared.every((byte) => byte === 0)) throw new Refusal('key-exchange-failed', 'the shared secret is all zero');
  return shared;
}

/** What both sides compute: the tag to send, the tag to expect, the first root, and a check to compare by voice. */
export function agree({ shared, psk, suite, g, partnershipId, inviterId, acceptorId, inviterPublic, acceptorPublic }) {
  if (inviterId === acceptorId) throw new Refusal('inviter-mismatch', 'nobody accepts an invitation of their own');
  const th = sha256(
    lp('escrow/v1 pairing'), u8(suite), u32(g),
    idBytes(partnershipId), idBytes(inviterId), idBytes(acceptorId), inviterPublic, acceptorPublic,
  );
  const prk = hmac256(th, lp(psk), lp(shared)); // HKDF-Extract is HMAC with the salt as key
  return {
    tagInviter: hmac256(expand(prk, join('escrow/v1 confirm inviter', th), 32), th),
    tagAcceptor: hmac256(expand(prk, join('escrow/v1 confirm acceptor', th), 32), th),
    root: expand(prk, join('escrow/v1 root', th), 32),
    check: toLetters(expand(prk, join('escrow/v1 check', th), 10)),
  };
}

/** Throws unless the partner's tag is the expected one. Nothing is blinded before this has returned. */
export function verifyTag(expected, unverified) {
  if (unverified.length === expected.length && timingSafeEqual(expected, unverified)) return;
  throw new Refusal('confirmation-failed', 'a key was swapped on the way; end this partnership and invite again');
}
