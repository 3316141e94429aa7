// The one seam to the network: JSON and chunks over HTTPS, with the API key on every request.

/** A refusal of the service: a problem document (RFC 9457). Decide by `code`; `detail` is for people. */
export class Problem extends Error {
  constructor(status, document) {
    super(`${document.code ?? status}: ${document.detail ?? 'the service gave no reason'}`);
    Object.assign(this, document, { status });
  }
}

/** Gives `call(method, path, body)`: a Buffer travels as it is, anything else as JSON. */
export function connect(url, apiKey) {
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'https:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname)) {
    throw new Error('plain http is only for a service on this machine');
  }
  return async function call(method, path, body) {
    const isChunk = Buffer.isBuffer(body);
    const response = await fetch(url.replace(/\/$/, '') + path, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body !== undefined && { 'content-type': isChunk ? 'application/octet-stream' : 'application/json' }),
      },
      body: isChunk || body === undefined ? body : JSON.stringify(body),
      redirect: 'error', // never show the key to another host
    });
    const text = await response.text();
    if (!response.ok) throw new Problem(response.status, text.startsWith('{') ? JSON.parse(text) : {});
    return text ? JSON.parse(text) : null;
  };
}
