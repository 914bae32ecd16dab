/** What a live process sees and may use up, and how its end is told. */
import { RejectedError } from '../../shared/errors.ts';
import {
  LIVE_LINE_CHARACTERS,
  LIVE_LINE_COUNT,
  LIVE_OUTPUT_CHARACTERS,
  type LiveEnd,
  type LiveRunRecord,
} from '../../shared/orders/live-run.ts';
import { redact } from '../../shared/redaction.ts';
import { cutBeginning, cutEnd } from '../checks/cut-text.ts';
import { entrypointOf } from '../checks/entrypoint-of.ts';
import type { SecretSource } from '../checks/observe.ts';
import { pathOnHost } from '../install/anchor.ts';
import type { OpenedRun } from '../run/open-run.ts';
import { type ProcessOutcome, type SandboxSpec, SECRETS_FOLDER } from '../sandbox/sandbox.ts';

const MIB = 1024 * 1024;
/** The file with the permit, beside the secrets: readable to the process alone, and gone with it. */
const PERMIT_NAME = 'keyturn-permit';
/** From SIGTERM to SIGKILL. */
const KILL_GRACE_MS = 5_000;
/** The longest that Node's timers can wait: 24 days. Whatever is to run for longer is started anew. */
const LONGEST_MS = 2 ** 31 - 1;

/** Errors: `RejectedError('secret-missing')`. */
export function secretsOf(
  { release }: OpenedRun,
  { entrypoint, source }: { entrypoint: string; source: SecretSource },
): Record<string, Uint8Array> {
  const { secrets = [] } = entrypointOf(release.plan, entrypoint);
  return Object.fromEntries(
    secrets.map((name) => {
      const secret = source.read(name);
      if (secret) return [name, secret];
      throw new RejectedError('secret-missing', `refused to run live: this host has no secret "${name}"`);
    }),
  );
}

export function liveSpec(
  { release, places }: OpenedRun,
  live: {
    readonly record: LiveRunRecord;
    readonly token: string;
    readonly secrets: Readonly<Record<string, Uint8Array>>;
    readonly socketPath: string;
    readonly signal: AbortSignal;
    readonly ending: AbortSignal;
  },
): SandboxSpec {
  const { argv, network, writable } = entrypointOf(release.plan, live.record.entrypoint);
  return {
    argv: argv as [string, ...string[]],
    tree: places.installPath,
    cwd: places.installPath,
    env: {
      KEYTURN_PERMIT: `${SECRETS_FOLDER}/${PERMIT_NAME}`,
      KEYTURN_GATE_SOCKET: live.socketPath,
      KEYTURN_LIVE_RUN: live.record.live,
    },
    network: network ? 'host' : 'none',
    readable: [live.socketPath],
    writable: writable.map((path) => pathOnHost(places.rootPrefix, path)),
    hidden: places.hidden,
    secrets: { ...live.secrets, [PERMIT_NAME]: Buffer.from(live.token) },
    limits: {
      wallMs: LONGEST_MS,
      cpuSeconds: LONGEST_MS,
      memoryBytes: 4096 * MIB,
      processCount: 1024,
      fileBytes: 4096 * MIB,
      outputBytes: 4 * LIVE_OUTPUT_CHARACTERS,
      allOutputBytes: Number.MAX_SAFE_INTEGER,
      tmpBytes: 256 * MIB,
      killGraceMs: KILL_GRACE_MS,
    },
    fd3: 'latest',
    signal: live.signal,
    ending: live.ending,
  };
}

/**
 * Takes out of a text what the process was given, its permit included, and what is a secret of the plan now: over the time that
 * it runs the host's owner may have put others in their places (P7).
 */
export function liveRedactor(
  { release }: OpenedRun,
  { given, source }: { given: readonly Uint8Array[]; source: SecretSource },
): (text: string) => string {
  const known = () => release.plan.secrets.map((name) => source.read(name)).filter((secret) => secret !== undefined);
  const before = known();
  return (text) => redact(text, [...given, ...before, ...known()]).text;
}

/** Redacted before it is cut (P7). */
export function endOfLive(
  { ended, stdout, stderr, fd3Lines }: ProcessOutcome,
  { redact, reason }: { redact: (text: string) => string; reason: string | undefined },
): Omit<LiveEnd, 'atMs'> {
  const how = reason === undefined ? endText(ended) : `stopped (${reason}), ${endText(ended)}`;
  return {
    how: cutEnd(redact(how), 4_000),
    stdout: cutBeginning(redact(stdout.text), LIVE_OUTPUT_CHARACTERS),
    stderr: cutBeginning(redact(stderr.text), LIVE_OUTPUT_CHARACTERS),
    lines: fd3Lines.slice(-LIVE_LINE_COUNT).map((line) => cutEnd(redact(line), LIVE_LINE_CHARACTERS)),
    outputBytes: stdout.totalBytes + stderr.totalBytes,
  };
}

function endText(ended: ProcessOutcome['ended']): string {
  switch (ended.by) {
    case 'exit':
      return `exit ${ended.code}`;
    case 'signal':
      return `signal ${ended.signal}`;
    case 'limit':
      return `limit ${ended.limit}`;
    case 'aborted':
      return 'ended with its agent';
    case 'not-started':
      return `not started: ${ended.reason}`;
  }
}
