/** Its own label, so that this signature can never pass for one over anything else. */
const LABEL = 'keyturn-ledger-key/v1';

/** What a host signs with its ledger key when it joins: its name and the request for its other key. */
export function ledgerKeyProofBytes(host: string, csr: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${LABEL}\0${host}\0`, 'utf8'), csr]);
}
