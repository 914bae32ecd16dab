/**
 * What every check of this agent is given, and what it gives back. A check observes; it never decides whether that is
 * a pass (P6). It may be started again after a crash, so whatever it does must be idempotent (P8).
 */
import type { Json } from '../../shared/canonical-json.ts';
import type { EvidenceResult, FailureCapsule } from '../../shared/ledger/evidence.ts';
import type { PlannedCheck, SignedRelease } from '../../shared/ledger/planned-checks.ts';
import type { Manifest } from '../../shared/release/manifest.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';

/** A check that waits for people: it is observed again once they have ruled. */
export interface HeldOutcome {
  readonly held: { readonly stopGate: string; readonly summary: string };
}

export interface CheckOutcome {
  readonly result: EvidenceResult;
  readonly capsule?: FailureCapsule | undefined;
}

export interface CheckContext {
  readonly run: string;
  readonly check: PlannedCheck;
  readonly release: SignedRelease;
  readonly manifest: Manifest;
  readonly places: RunPlaces;
  readonly facts: RunFacts;
  readonly secrets: SecretSource;
  /** Undefined where the host has no bubblewrap. */
  readonly sandbox: Sandbox | undefined;
  /** From the policy: whether a check may run without a sandbox. */
  readonly sandboxRule: 'required' | 'optional';
  /** Aborted when a kill or a stop of the agent arrives. */
  readonly signal: AbortSignal;
}

/** Absolute paths on this host; the plan's own paths are below `rootPrefix`, which is '' on a real host. */
export interface RunPlaces {
  readonly rootPrefix: string;
  readonly installRoot: string;
  /** `<installRoot>/<app>-<version>`. */
  readonly installPath: string;
  /** `<installRoot>/.keyturn/staging/<run>`: same file system as the target. */
  readonly staging: string;
  /** `<installRoot>/.keyturn/aside/<run>`: where a rehearsal moves the installation. */
  readonly aside: string;
  /** The agent's own folders, invisible to every check. */
  readonly hidden: readonly string[];
}

/** Durable facts of a run that later checks compare with (fingerprint and anchors before the install). */
export interface RunFacts {
  load(name: string): Json | undefined;
  save(name: string, fact: Json): void;
}

export interface SecretSource {
  /** The secret's bytes, or undefined when this host has none of that name. */
  read(name: string): Uint8Array | undefined;
}

export type Observe = (context: CheckContext) => Promise<CheckOutcome | HeldOutcome>;

export function isHeld(outcome: object): outcome is HeldOutcome {
  return 'held' in outcome;
}

export function observed(observation: Json): CheckOutcome {
  return { result: { did: 'observe', observation: observation as never } };
}

export function blocked(reason: string, needs: readonly string[]): CheckOutcome {
  return { result: { did: 'block', reason, needs: [...needs] } };
}
