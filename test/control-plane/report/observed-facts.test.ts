import { expect } from 'chai';
import { anchorReadings, areAnchorsSteady } from '../../../control-plane/report/anchor-digests.ts';
import { partsText } from '../../../control-plane/report/document.ts';
import {
  HIGHLIGHTS,
  HOST_FACTS,
  highlightOf,
  observedFacts,
  toolFact,
} from '../../../control-plane/report/observed-facts.ts';
import type { AnyCheckKind } from '../../../shared/ledger/check-kind.ts';
import { anchorKind } from '../../../shared/ledger/kinds/anchor.ts';
import { artifactDigestKind } from '../../../shared/ledger/kinds/artifact-digest.ts';
import { execKind } from '../../../shared/ledger/kinds/exec.ts';
import { flagKind } from '../../../shared/ledger/kinds/flag.ts';
import { rehearsalKind } from '../../../shared/ledger/kinds/rehearsal.ts';
import { sourceTestsKind } from '../../../shared/ledger/kinds/source-tests.ts';
import { toolsKind } from '../../../shared/ledger/kinds/tools.ts';
import { ledgerFixture, PROMISED, saw } from '../../support/ledger-fixture.ts';

const KINDS: Readonly<Record<string, AnyCheckKind>> = {
  'source-tests': sourceTestsKind,
  'artifact-digest': artifactDigestKind,
  exec: execKind,
  rehearsal: rehearsalKind,
  flag: flagKind,
  tools: toolsKind,
};

/** Whether a kind's schema has a field at the pointer. */
function hasField(kind: AnyCheckKind | undefined, pointer: string): boolean {
  let schema = kind?.observation as { shape?: Record<string, never>; unwrap?: () => never } | undefined;
  for (const name of pointer.split('/').slice(1)) {
    while (schema && !schema.shape && schema.unwrap) schema = schema.unwrap();
    if (!/^\d+$/.test(name)) schema = schema?.shape?.[name];
  }
  return schema !== undefined;
}

describe('control-plane/report/observed-facts', () => {
  it('reads only fields that the kinds have', () => {
    let count = 0;
    for (const [kind, template] of [
      ...Object.entries(HIGHLIGHTS),
      ...Object.entries(HOST_FACTS),
      ['tools', toolFact(0)] as const,
    ]) {
      for (const part of template) {
        if (typeof part === 'string') continue;
        expect(hasField(KINDS[kind], part.at), `${kind} ${part.at}`).to.equal(true);
        count += 1;
      }
    }
    expect(count).to.be.at.least(16);
    expect(hasField(execKind, '/tests/nowhere')).to.equal(false);
  });

  it('says the numbers of passed checks alone', () => {
    const passed = ledgerFixture().read();
    expect(observedFacts(passed).map(({ parts }) => partsText(parts))).to.deep.equal([
      'g2.artifact-digest: 80 files and 0 links in the release',
      'unit: 366 of 366 tests pass on the host (unittest)',
    ]);
    const failed = ledgerFixture({
      results: { unit: saw('x', { tests: { ran: 366, passed: 366, runner: 'unittest' } }) },
    }).read();
    expect(observedFacts(failed)).to.have.length(1);
  });

  it('says the version of each tool that told one', () => {
    const tools = [
      { name: 'python3', path: '/usr/bin/python3', version: '3.12.3' },
      { name: 'git', path: '/usr/bin/git' },
    ];
    const ledger = ledgerFixture({ results: { 'g3.tools': saw(PROMISED, { tools }) } }).read();
    const said = observedFacts(ledger).map(({ parts }) => partsText(parts));
    expect(said.filter((text) => text.startsWith('g3.tools'))).to.deep.equal([
      'g3.tools: python3 3.12.3 is on the host',
    ]);
  });

  it('says nothing where an observation lacks the number', () => {
    const ledger = ledgerFixture({ results: { unit: saw(PROMISED, { tests: { ran: 366 } }) } }).read();
    const row = ledger.summary.gates.flatMap(({ checks }) => checks).find(({ id }) => id === 'unit');
    if (!row) throw new Error('expected the check');
    expect(highlightOf(ledger, row)).to.equal(undefined);
  });

  it('reads neighbours in the shape that their kind has', () => {
    const readings = anchorReadings(ledgerFixture().read());
    const [first] = readings;
    const result = first?.row.evidence?.result;
    const { saw: _made, ...real } = (result?.did === 'observe' ? result.observation : {}) as Record<string, unknown>;
    expect(anchorKind.observation.safeParse(real).success).to.equal(true);
    expect(readings.map(({ digests }) => digests.length)).to.deep.equal([3, 3, 3]);
    expect(areAnchorsSteady(ledgerFixture().read())).to.equal(true);
  });
});
