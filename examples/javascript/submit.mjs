// Submits a whole list: node submit.mjs LIST [KEYRING]
//
// LIST is JSON: one entry for each company, with your id of it, its website and its population.

import { setTimeout as pause } from 'node:timers/promises';

import { Refusal, fromBase64url, sha256, toBase64url } from './bytes.mjs';
import { packList, submissionDigest, withoutAmbiguousKeys } from './chunk.mjs';
import { plainDomain } from './domain.mjs';
import { verifyTag } from './pairing.mjs';
import { readJson, wordsGiven } from './program.mjs';
import { connect } from './service.mjs';
import { CLASS, KIND_OF_CLASS, POPULATION, accountSecret, row } from './tokens.mjs';

const [listFile, keyringFile = 'keyring.json'] = wordsGiven('node submit.mjs LIST [KEYRING]');
const entries = readJson(listFile, 'name the file of your list');
mustBeWhole(entries);
const keyring = readJson(keyringFile, 'name the keyring that accept.mjs wrote');
const call = connect(process.env.ESCROW_URL, process.env.ESCROW_API_KEY);
const partnership = `/v1/partnerships/${keyring.partnership_id}`;

// The partner has proved that it holds the same secret, or nothing is blinded.
const { inviter_tag: unverifiedTag } = await call('GET', `${partnership}/pairing`);
if (unverifiedTag === null) {
  throw new Refusal('partnership-not-active', 'the inviter has not confirmed yet; run this again later');
}
verifyTag(fromBase64url(keyring.expected_tag), fromBase64url(unverifiedTag));

const { generation, list } = await call('GET', partnership);
const { suite, g, profile } = keyring;
const isOurs = generation.number === g && generation.suite === suite && generation.profile === profile;
if (!isOurs) throw new Refusal('generation-mismatch', 'the service is at another generation than this keyring');

const accounts = withoutAmbiguousKeys(entries.flatMap(blinded));
const chunks = packList(accounts);
const tokens = accounts.reduce((sum, { keys }) => sum + keys.length, 0);

const chunkDigests = chunks.map((chunk) => sha256(chunk));
const place = { type: 'snapshot', number: list.last_number + 1, base: list.applied_number };
const digest = submissionDigest({ partnershipId: keyring.partnership_id, g, profile, ...place, chunkDigests });
const opened = await call('POST', `${partnership}/submissions`, {
  ...place,
  generation: g, suite, profile,
  accounts: accounts.length,
  chunks: chunkDigests.map(toBase64url),
  digest: toBase64url(digest),
});
const submission = `${partnership}/submissions/${opened.number}`;
for (const position of opened.missing) await call('PUT', `${submission}/chunks/${position}`, chunks[position]);

// `ready` says that your counts are right; releases begin once both sides have said so. POST …/ready says it later.
let shown = await call('POST', `${submission}/complete`, { ready: false });
for (; shown.state === 'received'; await pause(500)) shown = await call('GET', submission);
if (shown.state !== 'applied') {
  throw new Refusal(shown.problem?.code ?? 'submission-rejected', shown.problem?.detail ?? `it is ${shown.state}`);
}
const leftOut = entries.length - accounts.length;
console.log(`submission ${shown.number} applied: ${accounts.length} accounts, ${tokens} tokens, ${leftOut} left out`);

/** Gives the account as it is sent, or nothing if its website gives no key. */
function blinded({ id, website, population }) {
  const domain = plainDomain(website);
  if (!domain) return [];
  const { token } = accountSecret(fromBase64url(keyring.match_key), KIND_OF_CLASS[CLASS.domain], domain);
  return [{
    row: row(fromBase64url(keyring.own_secret), keyring.partnership_id, id),
    population: POPULATION[population],
    keys: [{ keyClass: CLASS.domain, token }],
  }];
}

/** Refuses a list with an entry that could not be sent as it is meant; says which, not what it holds. */
function mustBeWhole(unverified) {
  if (!Array.isArray(unverified)) throw new Refusal('line-invalid', `${listFile} is not a list: begin it with [`);
  const isWhole = (each) =>
    typeof each?.id === 'string' && typeof each.website === 'string' && Object.hasOwn(POPULATION, each.population);
  const place = unverified.findIndex((each) => !isWhole(each));
  if (place === -1) return;
  const words = Object.keys(POPULATION).join(', ');
  throw new Refusal('line-invalid', `entry ${place + 1} needs id and website, as texts, and a population: ${words}`);
}
