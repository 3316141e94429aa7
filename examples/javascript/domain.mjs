// The domain key of a website, for plain addresses only: a host of ASCII letters, with or without scheme and www.
//
// Anything else (paths, ports, mail addresses, international names) needs the long way of the profile and gets no key
// here. That is safe: a key too few misses a match, and only a wrong key would make one.

import { readFileSync } from 'node:fs';

/** The profile that these rules and files belong to. The service refuses a list made under another. */
export const PROFILE = 'escrow-1+psl-2026-10-22';

const FILES = new URL('../../src/escrow/psi/normalisation/data/escrow-1/', import.meta.url);
const PLAIN = /^(?:https?:\/\/)?(?:www\.(?=[a-z0-9-]+\.))?([a-z0-9]+(?:[.-][a-z0-9]+)*)\/?$/;

const suffixes = new Set(); // com, co.uk
const wildcards = new Set(); // *.ck: each name directly below is a suffix
const exceptions = new Set(); // !www.ck: but not this one
for (const rule of lines('public_suffix_list.dat')) {
  if (rule.startsWith('*.')) wildcards.add(rule.slice(2));
  else if (rule.startsWith('!')) exceptions.add(rule.slice(1));
  else suffixes.add(rule);
}
const tenants = new Set(section('tenants', lines('platforms.txt'))); // each name below belongs to another company
const placeholders = new Set(lines('placeholder_domains.txt')); // example.com and the like name nobody

/** Gives the registrable domain, '' where there is none, or undefined for an address that is not plain. */
export function plainDomain(website) {
  const host = PLAIN.exec(website.toLowerCase())?.[1];
  if (host === undefined) return undefined;
  const domain = registrable(host);
  return placeholders.has(domain) ? '' : domain;
}

/** Walks from the whole host to its last label; the first rule met is the longest. */
function registrable(host) {
  for (let below = '', name = host; name; [below, name] = [name, name.split('.').slice(1).join('.')]) {
    if (wildcards.has(name) && below) return exceptions.has(below) ? below : oneLabelMore(host, below);
    if (suffixes.has(name)) return below;
    if (tenants.has(name) && !wildcards.has(name)) return below || name;
  }
  return '';
}

function oneLabelMore(host, suffix) {
  const labels = host.slice(0, -suffix.length).split('.');
  return labels.length > 1 ? `${labels.at(-2)}.${suffix}` : '';
}

function lines(name) {
  const text = readFileSync(new URL(name, FILES), 'utf8');
  return text.split('\n').map((line) => line.trim()).filter((line) => line && !/^(\/\/|#)/.test(line));
}

function section(name, all) {
  const from = all.indexOf(`[${name}]`) + 1;
  const to = all.findIndex((line, place) => place >= from && line.startsWith('['));
  return all.slice(from, to < 0 ? undefined : to);
}
