/**
 * A run with a real journal whose effects and checks a test scripts. The kinds of its checks are made up and all alike:
 * an observation passes when it is `ok`.
 */
import { z } from 'zod';
import { admittedRun, type RunState } from '../../../host-agent/run/machine.ts';
import { openRun } from '../../../host-agent/run/open-run.ts';
import {
  type InstallSteps,
  type RunDoing,
  RunDriver,
  type RunDriverOptions,
} from '../../../host-agent/run/run-driver.ts';
import { type AnyCheckKind, expectEqual } from '../../../shared/ledger/check-kind.ts';
import type { LedgerEntryBody } from '../../../shared/ledger/entry.ts';
import type { Evidence, EvidenceResult } from '../../../shared/ledger/evidence.ts';
import { type PlannedCheck, plannedChecks, removalCheck } from '../../../shared/ledger/planned-checks.ts';
import type { Plan } from '../../../shared/release/plan.ts';
import { FakeClock } from '../../../shared/time/fake-clock.ts';
import { planOf, SignedWorld } from './signed-world.ts';

export const RUN = '01JD9QZ5X8M3K7T2B4N6P8R0AA';

type StepName = keyof InstallSteps;

export class DriverWorld implements Disposable {
  readonly signed = new SignedWorld();
  readonly clock = new FakeClock(this.signed.now.getTime());
  readonly stopping = new AbortController();
  /** Effects and checks that were done, and boundaries where they are asked for, in order. */
  readonly done: string[] = [];
  readonly boundaries: string[] = [];
  readonly progress: RunDoing[] = [];
  readonly troubles: { readonly doing: string; readonly error: Error }[] = [];
  /** How often something was waited for before another try, by the number of tries before. */
  readonly waits: number[] = [];
  /** In place of an effect that succeeds. */
  readonly steps: Partial<InstallSteps> = {};
  /** In place of a check that passes, by id. */
  readonly checks = new Map<string, (check: PlannedCheck) => EvidenceResult | Promise<EvidenceResult>>();
  readonly evidenceOf = new Map<string, (check: PlannedCheck) => Evidence>();
  /** How many checks are observed at a time. */
  atOnce = 1;
  /** Hears which checks were told to end. */
  whenEnded: (check: string) => void = () => {};
  atBoundary: (boundary: string) => void = () => {};
  waitToRetry: RunDriverOptions['waitToRetry'] = async () => {};
  planned: readonly PlannedCheck[] = [];

  /** `plan`: what it says besides its one gate. */
  static async start(plan: Partial<Plan> = {}): Promise<DriverWorld> {
    const world = new DriverWorld();
    await world.#admit(plan);
    return world;
  }

  get store(): SignedWorld['store'] {
    return this.signed.store;
  }

  /** A driver as after a start of the agent. */
  driver(): RunDriver {
    const { store, clock, stopping } = this;
    return new RunDriver({
      store,
      kinds: new Map([...this.planned, { kind: 'removal' }].map(({ kind }) => [kind, okKind(kind)])),
      open: (run) => openRun(run, { store, rootPrefix: this.signed.rootPrefix, hidden: [] }),
      install: this.#install(),
      observe: (_opened, check, signal) => {
        signal.addEventListener('abort', () => this.whenEnded(check.id), { once: true });
        return this.#observe(check);
      },
      atOnce: this.atOnce,
      waitToRetry: async (attempt) => {
        this.waits.push(attempt);
        await this.waitToRetry(attempt);
        stopping.signal.throwIfAborted();
      },
      onTrouble: (_run, trouble) => this.troubles.push(trouble),
      now: () => new Date(clock.now()),
      clock,
      signal: stopping.signal,
      onProgress: (_run, doing) => this.progress.push(doing),
      testOnlyAtBoundary: (boundary) => {
        this.boundaries.push(boundary);
        this.atBoundary(boundary);
      },
    });
  }

  drive(): Promise<void> {
    return this.driver().drive(RUN);
  }

  state(): RunState {
    return this.store.state(RUN);
  }

  bodies(): LedgerEntryBody[] {
    return this.store.entries(RUN).map(({ entry }) => entry.body);
  }

  /** Evidence in the ledger, by check; throws when a check is there twice. */
  evidence(): Map<string, Evidence> {
    const all = this.bodies().flatMap((body) => (body.type === 'check-recorded' ? [body.evidence] : []));
    const byCheck = new Map(all.map((evidence) => [evidence.check, evidence]));
    if (byCheck.size !== all.length) throw new Error('a check was recorded twice');
    return byCheck;
  }

  phases(): string[] {
    return this.bodies().flatMap((body) => (body.type === 'phase-entered' ? [body.to] : []));
  }

  [Symbol.dispose](): void {
    this.signed[Symbol.dispose]();
  }

  async #admit(said: Partial<Plan>): Promise<void> {
    const { signed, store } = this;
    const { release: draft } = await signed.admit(signed.publish().request);
    const built = plannedChecks(draft).filter(({ seenBy }) => seenBy === 'build');
    const checks = built.map(({ id, gate, kind }) => ({
      check: id,
      gate: gate as 'G0',
      kind,
      observation: { ok: true },
    }));
    const plan = { ...said, version: '1.1', gates: [{ gate: 'G5', checks: planOf().gates[0]?.checks ?? [] }] };
    const { request } = signed.publish({ plan, buildRecord: { schema: 'keyturn.build-record/v1', checks } });
    const { release, materials } = await signed.admit(request);
    this.planned = [...plannedChecks(release), removalCheck(release)];
    const { statement, statementDigest } = release;
    store.create(
      RUN,
      {
        directive: 1,
        state: admittedRun(plannedChecks(release)),
        materials,
        body: {
          type: 'run-admitted',
          app: statement.app,
          version: statement.version,
          commit: statement.commit,
          statementDigest,
          treeDigest: statement.treeDigest,
          manifestDigest: statement.manifest.sha256,
          planDigest: statement.plan.sha256,
          buildRecordDigest: statement.buildRecord.sha256,
          policyDigest: 'a'.repeat(64),
          trust: ['root 1'],
          installPath: '/opt/dot/app-1.1',
          agentVersion: '0.0.0-test',
        },
      },
      () => {},
    );
  }

  #install(): InstallSteps {
    const step =
      (name: StepName): InstallSteps['receive'] =>
      async (opened, watch) => {
        this.done.push(name);
        await this.steps[name]?.(opened, watch);
      };
    return {
      receive: step('receive'),
      stage: (opened) => step('stage')(opened, NO_WATCH),
      promote: (opened) => step('promote')(opened, NO_WATCH),
      remove: (opened) => step('remove')(opened, NO_WATCH),
      tidy: (opened) => step('tidy')(opened, NO_WATCH),
    };
  }

  async #observe(check: PlannedCheck): Promise<Evidence> {
    this.done.push(check.id);
    const whole = this.evidenceOf.get(check.id);
    if (whole) return whole(check);
    const result =
      (await this.checks.get(check.id)?.(check)) ?? ({ did: 'observe', observation: { ok: true } } as const);
    const { id, gate, kind } = check;
    return { check: id, gate, kind, startedAt: new Date(this.clock.now()).toISOString(), durationMs: 1, result };
  }
}

const NO_WATCH = { signal: new AbortController().signal, onBytes: () => undefined };

function okKind(kind: string): AnyCheckKind {
  return {
    kind,
    params: z.record(z.string(), z.unknown()),
    observation: z.strictObject({ ok: z.boolean() }),
    timeoutMs: 1000,
    bearsCompany: true,
    judge: (_params: unknown, { ok }: { ok: boolean }) => ({
      expectations: [expectEqual('ok', true, ok)],
      findings: [],
    }),
  };
}
