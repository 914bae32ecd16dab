/**
 * Drives a run to its end: asks the machine for the next effect, does it, makes the outcome durable, again.
 *
 * 1. An effect is done before its outcome is durable; so after a crash it may be done again, and it is idempotent.
 * 2. An outcome is durable before anything is reported about it.
 * 3. The status in the machine is computed by the same judge that everybody else will use (P6).
 */
import { assertNever, messageOf, RejectedError } from '../../shared/errors.ts';
import type { AnyCheckKind } from '../../shared/ledger/check-kind.ts';
import { statusOfEvidence } from '../../shared/ledger/derive.ts';
import type { LedgerEntryBody } from '../../shared/ledger/entry.ts';
import type { Evidence } from '../../shared/ledger/evidence.ts';
import { type PlannedCheck, plannedChecks, removalCheck } from '../../shared/ledger/planned-checks.ts';
import { checkBehind, type Effect, nextEffect, type RunEvent, type RunState, step } from './machine.ts';
import type { OpenedRun } from './open-run.ts';
import type { RunStore } from './run-store.ts';

/** The steps that change the disk; each may be repeated after a crash. */
export interface InstallSteps {
  receive(run: OpenedRun): Promise<void>;
  stage(run: OpenedRun): Promise<void>;
  promote(run: OpenedRun): Promise<void>;
  remove(run: OpenedRun): Promise<void>;
  tidy(run: OpenedRun): Promise<void>;
}

/** How far a run is; told, never kept. */
export interface RunDoing {
  readonly phase: string;
  /** Such as `observe g3.tools` or `receive`. */
  readonly doing: string;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
}

export interface RunDriverOptions {
  readonly store: RunStore;
  readonly kinds: ReadonlyMap<string, AnyCheckKind>;
  readonly open: (run: string) => OpenedRun;
  readonly install: InstallSteps;
  /** Observes one check of this host. */
  readonly observe: (run: OpenedRun, check: PlannedCheck) => Promise<Evidence>;
  /** Waits until a transient failure may be tried again; rejects when the agent stops. */
  readonly waitToRetry: (attempt: number) => Promise<void>;
  readonly now: () => Date;
  /** Aborted when the agent stops. */
  readonly signal: AbortSignal;
  readonly onProgress: (run: string, progress: RunDoing) => void;
  /** Called at every effect boundary, so that a test can end the process there. */
  readonly testOnlyAtBoundary?: (boundary: string) => void;
}

export class RunDriver {
  readonly #options: RunDriverOptions;

  constructor(options: RunDriverOptions) {
    this.#options = options;
  }

  /** Resolves when the run rests. Rejects only when the agent stops or its journal fails. */
  async drive(run: string): Promise<void> {
    const opened = this.#options.open(run);
    for (;;) {
      const state = this.#options.store.state(run);
      const effect = nextEffect(state);
      if (effect.do === 'rest') return;
      this.#options.onProgress(run, { phase: state.phase, doing: nameOf(effect) });
      this.#at(`before ${nameOf(effect)}`);
      const outcome = await this.#perform(effect, { opened, state });
      // What a stop cut short is not evidence: it is done again at the next start.
      this.#options.signal.throwIfAborted();
      this.#at(`after ${nameOf(effect)}`);
      this.#options.store.commit(run, { state: step(state, outcome.event), bodies: outcome.bodies });
      this.#at(`recorded ${nameOf(effect)}`);
    }
  }

  async #perform(
    effect: Exclude<Effect, { do: 'rest' }>,
    { opened, state }: { opened: OpenedRun; state: RunState },
  ): Promise<Outcome> {
    switch (effect.do) {
      case 'observe':
        return this.#observe(opened, effect.check);
      case 'enter':
        return {
          event: { type: 'effect-done' },
          bodies: [{ type: 'phase-entered', from: state.phase, to: effect.phase, reason: effect.reason }],
        };
      case 'receive':
      case 'stage':
      case 'promote':
      case 'remove':
      case 'tidy':
        return this.#change(effect.do, opened);
      default:
        return assertNever(effect);
    }
  }

  async #observe(opened: OpenedRun, id: string): Promise<Outcome> {
    const check = findCheck(opened, id);
    const evidence =
      check.seenBy === 'build'
        ? builtEvidence(check, { opened, now: this.#options.now() })
        : await this.#options.observe(opened, check);
    const status = statusOfEvidence(check, { evidence, buildRecord: opened.buildRecord, kinds: this.#options.kinds });
    return { event: { type: 'check-observed', status }, bodies: [{ type: 'check-recorded', evidence }] };
  }

  /** A refusal ends the run, with its reason in the ledger; what is merely in the way is tried again. */
  async #change(name: keyof InstallSteps, opened: OpenedRun): Promise<Outcome> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#options.install[name](opened);
        return { event: { type: 'effect-done' }, bodies: [] };
      } catch (error) {
        if (error instanceof RejectedError) return this.#refused(name, { opened, error });
        if (!mayRetry(error)) throw error;
        await this.#options.waitToRetry(attempt);
      }
    }
  }

  #refused(name: keyof InstallSteps, { opened, error }: { opened: OpenedRun; error: RejectedError }): Outcome {
    const reason = `${error.code}: ${messageOf(error)}`.slice(0, 4000);
    const check = checkBehind({ do: name });
    const event: RunEvent = { type: 'effect-refused', reason };
    if (check === undefined) return { event, bodies: [] };
    const { gate, kind } = findCheck(opened, check);
    const result = { did: 'block', reason, needs: [] } satisfies Evidence['result'];
    const startedAt = this.#options.now().toISOString();
    return {
      event,
      bodies: [{ type: 'check-recorded', evidence: { check, gate, kind, startedAt, durationMs: 0, result } }],
    };
  }

  #at(boundary: string): void {
    this.#options.testOnlyAtBoundary?.(boundary);
  }
}

interface Outcome {
  readonly event: RunEvent;
  readonly bodies: readonly LedgerEntryBody[];
}

function nameOf(effect: Exclude<Effect, { do: 'rest' }>): string {
  if (effect.do === 'observe') return `observe ${effect.check}`;
  return effect.do === 'enter' ? `enter ${effect.phase}` : effect.do;
}

function findCheck(opened: OpenedRun, id: string): PlannedCheck {
  const check = [...plannedChecks(opened.release), removalCheck(opened.release)].find((planned) => planned.id === id);
  if (!check) throw new Error(`run "${opened.run}" has no check "${id}"`);
  return check;
}

/** What the build machine saw, as the release engineers signed it, becomes the host's evidence of G0 to G2. */
function builtEvidence(check: PlannedCheck, { opened, now }: { opened: OpenedRun; now: Date }): Evidence {
  const seen = opened.buildRecord.checks.find((built) => built.check === check.id);
  const head = { check: check.id, gate: check.gate, kind: check.kind, startedAt: now.toISOString(), durationMs: 0 };
  if (!seen) return { ...head, result: unbuiltResult(check, opened) };
  const observe = { ...head, result: { did: 'observe', observation: seen.observation } } satisfies Evidence;
  return seen.capsule ? { ...observe, capsule: seen.capsule } : observe;
}

function unbuiltResult({ kind }: PlannedCheck, { release }: OpenedRun): Evidence['result'] {
  if (kind !== 'source-tests' || release.plan.tests) {
    return { did: 'not-run', reason: 'the signed build record holds nothing of it' };
  }
  return {
    did: 'leave-a-gap',
    statement: 'the release declares no tests of its own, so none were run on the build machine',
    owner: 'release engineers',
    route: 'declare tests in keyturn.yaml',
  };
}

function mayRetry(error: unknown): boolean {
  return (
    error instanceof Error &&
    'shouldRetry' in error &&
    typeof error.shouldRetry === 'function' &&
    error.shouldRetry() === true
  );
}
