// What the programs of this folder share: how they are called, read their files and end. What is refused is told in one
// line, with its code, and exit code 1; only a mistake in the program itself shows where it happened.

import { readFileSync } from 'node:fs';

import { Refusal } from './bytes.mjs';

process.on('uncaughtException', (failure) => {
  console.error(failure instanceof Refusal ? `${failure.code}: ${failure.message}` : failure.stack);
  process.exit(1);
});

/** Gives the words behind the program's name, or says how it is called. */
export function wordsGiven(usage) {
  const words = process.argv.slice(2);
  if (words.length && !words.includes('--help')) return words;
  throw new Refusal('usage', usage);
}

/** Reads a file of JSON. What it holds, which may be keys or names of companies, is never repeated. */
export function readJson(file, hint) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (failure) {
    const reason = failure instanceof SyntaxError ? 'it is not JSON' : failure.code;
    throw new Refusal('file-unusable', `${file} cannot be read (${reason}): ${hint}`);
  }
}
