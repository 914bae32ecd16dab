import { expect } from 'chai';
import fc from 'fast-check';

import { findVersion, isInRange, isVersionRange } from '../../../shared/release/version-range.ts';

describe('shared/release/version-range', () => {
  /** Range, versions inside, versions outside. */
  const RANGES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['>=3.11', ['3.11', '3.11.0', '3.12.3', '4.0'], ['3.10.99', '2.7']],
    ['>= 3.11', ['3.11.0'], ['3.10.0']],
    ['>3.11', ['3.12.0'], ['3.11.9', '3.11.0']],
    ['>3.11.2', ['3.11.3'], ['3.11.2']],
    ['<4', ['3.99.99'], ['4.0.0']],
    ['<=3.11', ['3.11.9', '3.0'], ['3.12.0']],
    ['<=3.11.2', ['3.11.2'], ['3.11.3']],
    ['=3.11', ['3.11.9'], ['3.12.0', '3.10.0']],
    ['3.11.4', ['3.11.4'], ['3.11.5']],
    ['v3', ['3.9.1'], ['4.0.0']],
    ['^1.2.3', ['1.2.3', '1.99.0'], ['1.2.2', '2.0.0']],
    ['^0.2.3', ['0.2.9'], ['0.3.0', '0.2.2']],
    ['^0.0.3', ['0.0.3'], ['0.0.4']],
    ['^0.0', ['0.0.9'], ['0.1.0']],
    ['^0', ['0.9.0'], ['1.0.0']],
    ['~1.2.3', ['1.2.9'], ['1.3.0', '1.2.2']],
    ['~1.2', ['1.2.9'], ['1.3.0']],
    ['~1', ['1.9.0'], ['2.0.0']],
    ['>=3.11 <4', ['3.13.1'], ['4.0.0', '3.10.0']],
    ['*', ['0.0', '99.99.99'], []],
  ];
  for (const [range, inside, outside] of RANGES) {
    it(`"${range}" holds for ${inside.join(', ')}${outside.length > 0 ? `, not for ${outside.join(', ')}` : ''}`, () => {
      for (const version of inside) expect(isInRange(version, range), version).to.equal(true);
      for (const version of outside) expect(isInRange(version, range), version).to.equal(false);
    });
  }
  it('has twenty ranges', () => expect(RANGES).to.have.length(20));

  for (const range of [
    '',
    ' ',
    '1.2.3.4',
    '1.x',
    '>=1 || <3',
    '1.2.3-rc1',
    '1 - 2',
    '>',
    '=>1',
    '1.2.',
    'latest',
    '>=1,<2',
    '1e3',
  ]) {
    it(`refuses to guess what "${range}" means`, () => {
      expect(isVersionRange(range)).to.equal(false);
      expect(isInRange('1.2.3', range)).to.equal(undefined);
    });
  }

  const OUTPUTS: Readonly<Record<string, string | undefined>> = {
    'Python 3.12.3\n': '3.12.3',
    'git version 2.39.5 (Apple Git-1)': '2.39.5',
    'psql (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)': '15.14',
    'v24.1.0': '24.1.0',
    'go version go1.22.1 linux/amd64': '1.22.1',
    'jq-1.6': '1.6',
    'no version here 42': undefined,
  };
  for (const [output, version] of Object.entries(OUTPUTS)) {
    it(`finds ${version ?? 'nothing'} in ${JSON.stringify(output)}`, () =>
      expect(findVersion(output)).to.equal(version));
  }

  it('orders versions as numbers, whatever they are', () => {
    const part = fc.nat(2000);
    fc.assert(
      fc.property(part, part, part, part, part, part, (a, b, c, d, e, f) => {
        const isAtLeast = a !== d ? a > d : b !== e ? b > e : c >= f;
        expect(isInRange(`${a}.${b}.${c}`, `>=${d}.${e}.${f}`)).to.equal(isAtLeast);
        expect(isInRange(`${a}.${b}.${c}`, `<${d}.${e}.${f}`)).to.equal(!isAtLeast);
      }),
    );
  });
});
