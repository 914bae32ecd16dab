import { expect } from 'chai';
import fc from 'fast-check';

import {
  compareFingerprints,
  type Fingerprint,
  fingerprintDigest,
  parseFingerprint,
} from '../../../host-agent/install/fingerprint-difference.ts';
import { codeOf } from '../../support/errors-of.ts';

const fingerprint = (facts: Record<string, string>, listeningPorts: string[] = []): Fingerprint => ({
  schema: 'keyturn.fingerprint/v1',
  facts,
  listeningPorts,
});

describe('host-agent/install/fingerprint-difference', () => {
  it('tells added, removed and changed facts apart, sorted', () => {
    const before = fingerprint({ 'path:b': '1', 'path:a': '1', 'unit:x': '1' });
    const after = fingerprint({ 'path:d': '1', 'path:c': '1', 'path:b': '2', 'unit:x': '1' });
    expect(compareFingerprints(before, after)).to.deep.equal({
      added: ['path:c', 'path:d'],
      removed: ['path:a'],
      changed: ['path:b'],
    });
  });

  it('does not compare the ports of all programs, nor hash them', () => {
    const [before, after] = [fingerprint({ 'path:a': '1' }, ['tcp 0.0.0.0:1']), fingerprint({ 'path:a': '1' }, [])];
    expect(compareFingerprints(before, after)).to.deep.equal({ added: [], removed: [], changed: [] });
    expect(fingerprintDigest(before)).to.equal(fingerprintDigest(after));
  });

  it('is empty exactly where the digests are equal, and reverses with its sides', () => {
    const facts = fc.dictionary(
      fc.constantFrom('path:a', 'path:b', 'unit:a', 'path:__proto__', 'path:constructor'),
      fc.constantFrom('1', '2'),
    );
    fc.assert(
      fc.property(facts, facts, (one, other) => {
        const [a, b] = [fingerprint(one), fingerprint(other)];
        const difference = compareFingerprints(a, b);
        const isSame = Object.values(difference).every((keys) => keys.length === 0);
        expect(isSame).to.equal(fingerprintDigest(a) === fingerprintDigest(b));
        const { added, removed, changed } = compareFingerprints(b, a);
        expect(difference).to.deep.equal({ added: removed, removed: added, changed });
      }),
    );
  });

  it('reads what was saved, and refuses anything else', async () => {
    const saved = fingerprint({ 'path:a': '1' });
    expect(parseFingerprint(JSON.parse(JSON.stringify(saved)))).to.deep.equal(saved);
    for (const bad of [
      null,
      {},
      { ...saved, schema: 'keyturn.fingerprint/v2' },
      { ...saved, more: 1 },
      { ...saved, facts: { a: 1 } },
    ]) {
      expect(await codeOf(() => parseFingerprint(bad))).to.equal('fingerprint-malformed');
    }
  });
});
