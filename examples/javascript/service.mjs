// The one seam to the network: JSON and chunks over HTTPS, with the API key on every request.

import { Refusal } from './bytes.mjs';

/** A refusal of the service: a problem document (RFC 9457). Decide by `code`; `detail` is for people. */
export class Problem extends Refusal {
  constructor(status, document) {
    super(document.code ?? `${status}`, document.detail ?? 'the service gave no reason');
    Object.assign(this, document, { status });
  }
}

/** Gives `call(method, path, body)`: a Buffer travels as it is, anything else as JSON. */
export function connect(url, apiKey) {
  if (!url || !apiKey) throw new Refusal('usage', 'set ESCROW_URL and ESCROW_API_KEY in the environment');
  mustKeepTheKey(url);
  if (!/^[!-~]+$/.test(apiKey)) throw new Refusal('usage', 'ESCROW_API_KEY is not a key as the service shows it');
  return async function call(method, path, body) {
    const isChunk = Buffer.isBuffer(body);
    const { response, text } = await answered(url.replace(/\/$/, '') + path, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body !== undefined && { 'content-type': isChunk ? 'application/octet-stream' : 'application/json' }),
      },
      body: isChunk || body === undefined ? body : JSON.stringify(body),
      redirect: 'error', // never show the key to another host
    });
    if (!response.ok) throw new Problem(response.status, text.startsWith('{') ? parsed(text) : {});
    return text ? parsed(text) : null;
  };
}

function mustKeepTheKey(url) {
  let place;
  try {
    place = new URL(url);
  } catch {
    throw new Refusal('usage', 'ESCROW_URL is no address; it begins with https://');
  }
  if (place.protocol !== 'https:' && !['localhost', '127.0.0.1', '[::1]'].includes(place.hostname)) {
    throw new Refusal('plain-http-refused', 'plain http is only for a service on this machine');
  }
}

async function answered(address, request) {
  try {
    const response = await fetch(address, request);
    return { response, text: await response.text() };
  } catch ({ cause }) {
    const reason = cause?.code ?? cause?.message ?? 'the connection broke';
    const hint = /CERT|SIGNATURE/.test(reason)
      ? 'if the service has an authority of its own, name its file in NODE_EXTRA_CA_CERTS'
      : 'is the address right, and the service up?';
    throw new Refusal('service-unreachable', `no answer from ${new URL(address).origin} (${reason}): ${hint}`);
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal('service-answer-invalid', 'the answer is not JSON; is ESCROW_URL the address of the service?');
  }
}
