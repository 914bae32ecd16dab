/**
 * P6 for the kinds that a plan may name: what a judge calls a pass is one by a second, independent reading of the
 * observation, however the observation was bent; and whatever is no observation is no pass.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import type { AnyCheckKind } from '../../../../shared/ledger/check-kind.ts';
import { statusOfEvidence } from '../../../../shared/ledger/derive.ts';
import type { Evidence } from '../../../../shared/ledger/evidence.ts';
import { absentKind } from '../../../../shared/ledger/kinds/absent.ts';
import { type DryrunObservation, dryrunKind } from '../../../../shared/ledger/kinds/dryrun.ts';
import { type EntrypointObservation, entrypointKind } from '../../../../shared/ledger/kinds/entrypoint.ts';
import { type ExecObservation, execKind } from '../../../../shared/ledger/kinds/exec.ts';
import { type FileObservation, fileKind } from '../../../../shared/ledger/kinds/file.ts';
import { type FlagObservation, flagKind } from '../../../../shared/ledger/kinds/flag.ts';
import { type HttpObservation, httpKind } from '../../../../shared/ledger/kinds/http.ts';
import { noProcessKind } from '../../../../shared/ledger/kinds/no-process.ts';
import { noServiceKind } from '../../../../shared/ledger/kinds/no-service.ts';
import { type PortObservation, portKind } from '../../../../shared/ledger/kinds/port.ts';
import type { ProcessSeen } from '../../../../shared/ledger/kinds/process-seen.ts';
import type { ReferencesSeen } from '../../../../shared/ledger/kinds/references.ts';
import { type RefusesLiveObservation, refusesLiveKind } from '../../../../shared/ledger/kinds/refuses-live.ts';
import { type ReadOnlyProof, type SqlObservation, sqlKind } from '../../../../shared/ledger/kinds/sql.ts';
import { type TreeObservation, treeKind } from '../../../../shared/ledger/kinds/tree.ts';
import { A_DIGEST, B_DIGEST, processSeen } from './judge-rows.ts';

interface Sample {
  readonly kind: AnyCheckKind;
  readonly params: Record<string, unknown>;
  /** A pass. */
  readonly seen: unknown;
  /** The second reading: whether this observation, of the kind's own shape, is a pass for these parameters. */
  readonly isPass: (seen: never) => boolean;
}

const url = 'http://127.0.0.1:8080/';
const readOnly = {
  isTransactionReadOnly: true,
  writePrivileges: [],
  write: 'refused',
  openWrite: { write: 'refused', code: '42501' },
};
const references = { searchedFor: ['/opt/a/b-1'], readCount: 3, referenceCount: 0, references: [] };
const yes = { matched: 'yes', excerpt: 'ok' };

const samples: readonly Sample[] = [
  {
    kind: execKind,
    params: { argv: ['t'], expect: { stdout: { matches: 'ok' }, tests: { min: 2 } } },
    seen: {
      process: processSeen(),
      stdout: yes,
      tests: { runner: 'tap', ran: 2, passed: 2, failed: 0, errors: 0, skipped: 0 },
    },
    isPass: ({ process, stdout, tests }: ExecObservation) =>
      exitOf(process) === 0 &&
      stdout?.matched === 'yes' &&
      tests !== undefined &&
      tests.passed >= 2 &&
      tests.passed <= tests.ran &&
      tests.failed === 0 &&
      tests.errors === 0,
  },
  {
    kind: fileKind,
    params: { path: 'a', sha256: A_DIGEST, mode: '0644', contains: 'x' },
    seen: { path: 'a', is: 'file', file: { size: 1, mode: '0644', sha256: A_DIGEST, contains: true } },
    isPass: ({ path, is, file }: FileObservation) =>
      path === 'a' && is === 'file' && file?.sha256 === A_DIGEST && file.mode === '0644' && file.contains === true,
  },
  {
    kind: treeKind,
    params: { path: 'a', equals: A_DIGEST },
    seen: { path: 'a', from: 'tree', is: 'folder', treeDigest: A_DIGEST, entryCount: 1 },
    isPass: ({ path, from, is, treeDigest }: TreeObservation) =>
      path === 'a' && from === 'tree' && is === 'folder' && treeDigest === A_DIGEST,
  },
  {
    kind: absentKind,
    params: { path: 'a' },
    seen: { path: 'a', is: 'nothing' },
    isPass: ({ path, is }: { path: string; is: string }) => path === 'a' && is === 'nothing',
  },
  {
    kind: noServiceKind,
    params: {},
    seen: references,
    isPass: (seen: ReferencesSeen) => seen.referenceCount === 0 && seen.references.length === 0,
  },
  {
    kind: noProcessKind,
    params: { paths: ['/opt/a/b-1'] },
    seen: references,
    isPass: ({ searchedFor, readCount, referenceCount, references: found }: ReferencesSeen) =>
      searchedFor.includes('/opt/a/b-1') && readCount > 0 && referenceCount === 0 && found.length === 0,
  },
  {
    kind: portKind,
    params: { port: 1, expect: 'free' },
    seen: { port: 1, protocol: 'tcp', listenerCount: 0, addresses: [] },
    isPass: ({ port, protocol, listenerCount, addresses }: PortObservation) =>
      port === 1 && protocol === 'tcp' && listenerCount === 0 && addresses.length === 0,
  },
  {
    kind: flagKind,
    params: { file: 'a', pattern: '(x)', equals: 'yes' },
    seen: { file: 'a', is: 'file', search: 'done', declarationCount: 1, declarations: [{ value: 'yes', line: 1 }] },
    isPass: ({ file, is, search, declarationCount, declarations }: FlagObservation) =>
      file === 'a' &&
      is === 'file' &&
      search === 'done' &&
      declarationCount > 0 &&
      declarationCount === declarations.length &&
      declarations.every(({ value }) => value === 'yes'),
  },
  {
    kind: entrypointKind,
    params: { entrypoint: 'a' },
    seen: {
      entrypoint: 'a',
      resolution: { resolves: true, to: 'a' },
      probe: { was: 'run', process: processSeen() },
    },
    isPass: ({ entrypoint, resolution, probe }: EntrypointObservation) =>
      entrypoint === 'a' &&
      resolution.resolves &&
      (probe.was === 'run' ? exitOf(probe.process) === 0 : probe.was === 'undeclared'),
  },
  {
    kind: refusesLiveKind,
    params: { entrypoint: 'a' },
    seen: {
      entrypoint: 'a',
      isLive: true,
      process: processSeen({ ended: { by: 'exit', code: 77 } }),
      output: yes,
      treeBefore: A_DIGEST,
      treeAfter: A_DIGEST,
    },
    isPass: ({ entrypoint, isLive, process, output, treeBefore, treeAfter }: RefusesLiveObservation) =>
      entrypoint === 'a' && isLive && exitOf(process) === 77 && output.matched === 'yes' && treeBefore === treeAfter,
  },
  {
    kind: httpKind,
    params: { url, expect: { body: { matches: 'ok' } } },
    seen: { url, answer: { came: 'whole', status: 200, bodyBytes: 2, body: yes } },
    isPass: ({ url: asked, answer }: HttpObservation) =>
      asked === url && answer.came === 'whole' && answer.status === 200 && answer.body?.matched === 'yes',
  },
  {
    kind: sqlKind,
    params: { dsn: 'a', queries: { q: 'select 1' }, digests: { q: 'select 1' }, expect: { q: { min: 1 } } },
    seen: {
      engine: 'sqlite',
      dsn: 'a',
      readOnly,
      counts: { q: 1 },
      digests: { q: { sha256: A_DIGEST, rowCount: 1 } },
      unseen: [{ schema: 'a', why: 'absent' }],
    },
    isPass: ({ dsn, readOnly: proof, counts, digests }: SqlObservation) =>
      dsn === 'a' && isReadOnly(proof) && counts.q !== undefined && counts.q >= 1 && digests?.q !== undefined,
  },
  {
    kind: dryrunKind,
    params: { entrypoint: 'a', invariants: ['i'] },
    seen: {
      entrypoint: 'a',
      process: processSeen(),
      declaredStopGates: ['SG1'],
      resumedStopGates: ['SG1'],
      isClosedOut: true,
      invariants: [{ name: 'i', readOnly, before: { q: 1 }, after: { q: 1 } }],
    },
    isPass: ({
      entrypoint,
      process,
      declaredStopGates,
      resumedStopGates,
      isClosedOut,
      invariants,
    }: DryrunObservation) =>
      entrypoint === 'a' &&
      exitOf(process) === 0 &&
      declaredStopGates.join() === resumedStopGates.join() &&
      isClosedOut &&
      invariants[0]?.name === 'i' &&
      isReadOnly(invariants[0].readOnly) &&
      Object.keys(invariants[0].before).length > 0 &&
      JSON.stringify(invariants[0].before) === JSON.stringify(invariants[0].after),
  },
];

/** Values that are at home somewhere in an observation, and some that are nowhere. */
const VALUES: readonly unknown[] = [
  ...[true, false, null, 0, 1, 2, 3, 77, 127, 200, 302, -1, 0.5],
  ...['a', 'b', '', 'yes', 'no', 'undecided', 'done', 'file', 'folder', 'symlink', 'nothing', 'beyond-link'],
  ...['exit', 'signal', 'limit', 'refused', 'accepted', 'untried', 'run', 'undeclared', 'left-out', 'whole', 'not'],
  ...['tcp', 'udp', 'install-root', '0755', A_DIGEST, B_DIGEST],
  ...[[], {}, ['SG2'], [{ where: 'x', what: 'y' }], [{ value: 'no', line: 2 }], { q: 0 }, { q: 2 }, ['INSERT t']],
  { by: 'limit', limit: 'wall' },
];

const bendings = fc.array(
  fc.record({ at: fc.nat(), value: fc.option(fc.constantFrom(...VALUES), { nil: undefined }) }),
  { minLength: 1, maxLength: 3 },
);

const text = fc.string({ maxLength: 20 });
const otherResults: fc.Arbitrary<Evidence['result']> = fc.oneof(
  fc.record({ did: fc.constant('leave-a-gap' as const), statement: text, owner: text, route: text }),
  fc.record({ did: fc.constant('block' as const), reason: text, needs: fc.array(text) }),
  fc.record({ did: fc.constant('lose' as const), reason: text }),
  fc.record({ did: fc.constant('not-run' as const), reason: text }),
);

describe('a pass of a kind that a plan may name', () => {
  it('is looked at for thirteen kinds', () => {
    expect(new Set(samples.map(({ kind }) => kind.kind)).size).to.equal(13);
  });

  for (const sample of samples) {
    describe(sample.kind.kind, () => {
      it('passes as it is, and when nothing was bent', () => {
        expect(statusOf(sample, { did: 'observe', observation: sample.seen as never })).to.equal('PASS');
        expect(sample.isPass(sample.seen as never)).to.equal(true);
      });

      it('is one by a second reading, however the observation is bent', () => {
        const counted = { PASS: 0, FAIL: 0, UNKNOWN: 0 };
        fc.assert(
          fc.property(bendings, (bent) => {
            const seen = bent.reduce(bend, structuredClone(sample.seen));
            const status = statusOf(sample, { did: 'observe', observation: seen as never });
            const isOfItsShape = sample.kind.observation.safeParse(seen).success;
            expect(status).to.equal(!isOfItsShape ? 'UNKNOWN' : sample.isPass(seen as never) ? 'PASS' : 'FAIL');
            counted[status as keyof typeof counted] += 1;
          }),
          { numRuns: 1500 },
        );
        expect(counted.FAIL, JSON.stringify(counted)).to.be.at.least(10);
        expect(counted.UNKNOWN, JSON.stringify(counted)).to.be.at.least(10);
      });

      it('never comes of what is no observation', () => {
        fc.assert(
          fc.property(otherResults, (result) => {
            expect(statusOf(sample, result)).not.to.equal('PASS');
          }),
        );
      });
    });
  }
});

function statusOf({ kind, params }: Sample, result: Evidence['result']) {
  const check = {
    id: 'a',
    gate: 'G5',
    kind: kind.kind,
    params: params as never,
    seenBy: 'host' as const,
    timeoutMs: 1,
  };
  const evidence = {
    check: 'a',
    gate: 'G5',
    kind: kind.kind,
    startedAt: '2026-05-21T09:00:00.000Z',
    durationMs: 0,
    result,
  };
  return statusOfEvidence(check, {
    evidence,
    buildRecord: { schema: 'keyturn.build-record/v1', checks: [] },
    kinds: new Map([[kind.kind, kind]]),
  });
}

/** Replaces the member that `at` falls on, counted through the whole value; takes it away where there is no value. */
function bend(seen: unknown, { at, value }: { at: number; value?: unknown }): unknown {
  const places = placesIn(seen);
  const place = places[at % Math.max(1, places.length)];
  if (!place) return seen;
  if (value === undefined) Reflect.deleteProperty(place.owner, place.key);
  else Reflect.set(place.owner, place.key, structuredClone(value));
  return JSON.parse(JSON.stringify(seen));
}

function placesIn(value: unknown): { owner: object; key: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [{ owner: value, key }, ...placesIn(member)]);
}

function exitOf({ ended }: ProcessSeen): number | undefined {
  return ended.by === 'exit' ? ended.code : undefined;
}

function isReadOnly({ isTransactionReadOnly, writePrivileges, write, openWrite }: ReadOnlyProof): boolean {
  const isRefusedOpenly = openWrite === undefined || (openWrite.write === 'refused' && openWrite.code === '42501');
  return isTransactionReadOnly && writePrivileges.length === 0 && write === 'refused' && isRefusedOpenly;
}
