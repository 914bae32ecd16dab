import type { PeerCertificate } from 'node:tls';
import { expect } from 'chai';

import { HOST_PATTERN, hostUri, operatorUri, parsePeerIdentity } from '../../../shared/rpc/peer-identity.ts';
import { codeOf } from '../../support/rejection-of.ts';

const certificate = (subjectaltname: string | undefined) =>
  ({ subjectaltname, serialNumber: 'AB', valid_to: 'Nov 22 10:00:00 2026 GMT' }) as PeerCertificate;

const NOT_UNDERSTOOD: readonly (string | undefined)[] = [
  undefined,
  '',
  'DNS:web-1',
  'URI:https://host/web-1',
  'URI:keyturn://host/',
  'URI:keyturn://host/web-1/x',
  'URI:keyturn://host/Web-1',
  'URI:keyturn://host/web-1, URI:keyturn://host/web-2',
  'DNS:x, URI:keyturn://host/web-1',
  'URI:keyturn://operator/admin/an',
  'URI:keyturn://operator/viewer',
  'URI:keyturn://operator/viewer/an/releaser',
];

describe('shared/rpc/peer-identity', () => {
  it('reads a host and an operator, with serial and expiry', () => {
    const facts = { serial: 'AB', expiresAt: Date.UTC(2026, 10, 22, 10) };
    expect(parsePeerIdentity(certificate(`URI:${hostUri('web-1.example')}`))).to.deep.equal({
      kind: 'host',
      host: 'web-1.example',
      ...facts,
    });
    expect(parsePeerIdentity(certificate(`URI:${operatorUri('an.nguyen', 'releaser')}`))).to.deep.equal({
      kind: 'operator',
      name: 'an.nguyen',
      role: 'releaser',
      ...facts,
    });
  });

  it('refuses a caller without a certificate', async () => {
    expect(await codeOf((async () => parsePeerIdentity(undefined))())).to.equal('identity-missing');
  });

  it('has a dozen names that say nothing', () => {
    expect(NOT_UNDERSTOOD).to.have.length(12);
  });

  for (const name of NOT_UNDERSTOOD) {
    it(`refuses ${JSON.stringify(name ?? 'no name')}`, async () => {
      expect(await codeOf((async () => parsePeerIdentity(certificate(name)))())).to.equal('identity-not-understood');
    });
  }

  it('takes DNS names in lower case as hosts, and nothing that could be a path', () => {
    for (const good of ['a', 'web-1', 'web-1.eu.example', '10-0-0-1'])
      expect(HOST_PATTERN.test(good), good).to.equal(true);
    for (const bad of ['', '.', '..', '-a', 'a-', 'a..b', 'a/b', 'A', 'a b', `${'a'.repeat(64)}`, 'a.'.repeat(130)]) {
      expect(HOST_PATTERN.test(bad), bad).to.equal(false);
    }
  });
});
