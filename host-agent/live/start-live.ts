/**
 * Starts a live entrypoint of the signed plan and follows it to its end.
 *
 * 1. Without a permit, which the gate alone makes, nothing starts; the process is entered where a kill finds it in the same
 *    turn in which the permit was given (P3, P4).
 * 2. What runs is the signed plan's: no argument, path or name comes from whoever asked (P2).
 * 3. That it was started is durable before it is; that it ended, with its redacted output, is reported when all of it is gone.
 */
import { RejectedError } from '../../shared/errors.ts';
import { type LiveEnd, type LiveRunRecord, signLiveRun } from '../../shared/orders/live-run.ts';
import { signPermitToken } from '../../shared/orders/permit-token.ts';
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import { isRunPermit, type RunPermit } from '../gate/run-permit.ts';
import { checkNoKillFile } from '../orders/judge-enable.ts';
import { readGround, standingRelease } from '../orders/standing-run.ts';
import { type OpenedRun, openRun } from '../run/open-run.ts';
import { type BubblewrapSandbox, runInSandbox } from '../sandbox/sandbox.ts';
import type { LiveMeans } from './live-means.ts';
import { endOfLive, liveRedactor, liveSpec, secretsOf } from './live-process.ts';

export interface LiveRequest {
  /** The identity of the live run. */
  readonly live: string;
  readonly app: string;
  readonly entrypoint: string;
}

export interface StartedLive {
  readonly record: LiveRunRecord;
  /** Resolves when all of it is gone and that is durable. Rejects with the journal's errors. */
  readonly ended: Promise<LiveRunRecord>;
}

/**
 * `also` runs in the transaction that makes the start durable. Errors: `RejectedError` with a code of `permitFor`,
 * `live-id-repeated`, `nothing-proven`, `tree-differs`, `not-ready`, `kill-file-present`, `sandbox-missing`, `secret-missing`,
 * `order-replaced`, `agent-stopping` or `gate-socket-unusable`; nothing was started then.
 */
export async function startLive(
  request: LiveRequest,
  means: LiveMeans,
  also: () => void = () => {},
): Promise<StartedLive> {
  const { live, app, entrypoint } = request;
  const { keeper, lives, database, outbox } = means;
  if (lives.has(live)) throw refused('live-id-repeated', `live run "${live}" was started before`);
  const sandbox = bubblewrapOf(means);
  const first = keeper.permitFor(app, entrypoint); // refused early, before anything is read
  const opened = await standingFor(app, means);
  const secrets = secretsOf(opened, { entrypoint, source: means.secrets });
  await means.socket.open();
  checkNoKillFile(means.killFile);
  const permit = keeper.permitFor(app, entrypoint);
  checkSameOrder(first, permit);
  if (means.registry.isClosed) throw refused('agent-stopping', 'the agent stops');
  const record = recordOf(request, { permit, opened, means });
  database.transaction(() => {
    lives.start({ id: live, app, record: JSON.stringify(record) });
    outbox.append(means.encodeLiveReport({ liveId: live, envelope: signLiveRun(record, means.hostKey) }));
    also();
  })();
  const ended = run(record, { permit, opened, secrets, sandbox, means });
  outbox.announce();
  return { record, ended };
}

/** What an agent that was killed took along: nobody saw how it ended. Errors: the journal's. */
export function tellLost(means: LiveMeans): void {
  for (const { record } of means.lives.unended()) {
    const end = { atMs: means.nowMs(), how: 'lost with its agent', stdout: '', stderr: '', lines: [], outputBytes: 0 };
    saveEnd({ ...(JSON.parse(record) as LiveRunRecord), ended: end }, means);
  }
}

interface Running {
  readonly permit: RunPermit;
  readonly opened: OpenedRun;
  readonly secrets: Readonly<Record<string, Uint8Array>>;
  readonly sandbox: BubblewrapSandbox;
  readonly means: LiveMeans;
}

function run(record: LiveRunRecord, { permit, opened, secrets, sandbox, means }: Running): Promise<LiveRunRecord> {
  if (!isRunPermit(permit)) throw new TypeError('a live process needs a permit of the gate'); // 1
  const { live, app, entrypoint } = record;
  const ending = new AbortController();
  const token = tokenOf(record, permit, means);
  const spec = liveSpec(opened, {
    record,
    token,
    secrets,
    socketPath: means.socket.path,
    signal: means.signal,
    ending: ending.signal,
  });
  const redact = liveRedactor(opened, {
    given: [...Object.values(secrets), Buffer.from(token)],
    source: means.secrets,
  });
  const ended = runInSandbox(spec, sandbox)
    .then((outcome) => endOfLive(outcome, { redact, reason: reasonOf(ending.signal) }))
    .catch((error: unknown) => failed(error))
    .then((end) => saveEnd({ ...record, ended: { ...end, atMs: means.nowMs() } }, means));
  means.registry.add({
    live,
    app,
    entrypoint,
    stop: (reason) => ending.abort(reason),
    isEnding: () => ending.signal.aborted,
    gone: ended.catch(() => undefined),
  });
  return ended;
}

function saveEnd(
  record: LiveRunRecord,
  { database, lives, outbox, hostKey, encodeLiveReport }: LiveMeans,
): LiveRunRecord {
  if (!database.open) return record; // the agent has stopped; its next start tells that this was lost
  database.transaction(() => {
    lives.end(record.live);
    outbox.append(encodeLiveReport({ liveId: record.live, envelope: signLiveRun(record, hostKey) }));
  })();
  outbox.announce();
  return record;
}

/** The installation that the open gate's order is about, read from disk once more. */
async function standingFor(app: string, means: LiveMeans): Promise<OpenedRun> {
  const offer = means.gates.offerOf(app);
  const directive = offer && directiveCodec.decode(offer);
  if (!offer || directive?.kind !== 'enable') throw refused('nothing-proven', `no order for "${app}" is on record`);
  const { runId } = directive.enable;
  const ground = await readGround(runId, means);
  const standing = ground && standingRelease(ground, means);
  if (!standing || standing.app !== app) throw refused('nothing-proven', `run "${runId}" does not stand here`);
  const opened = openRun(runId, means);
  const isSame = standing.treeDigest === opened.release.statement.treeDigest;
  if (isSame && standing.notReady.length === 0) return opened;
  const refusal = isSame
    ? refused('not-ready', standing.notReady.join('; '))
    : refused('tree-differs', 'the installed tree is not what was proven');
  if (means.gates.offerOf(app)?.equals(offer)) closeFor(refusal, { app, means });
  throw refusal;
}

/** What is found out here closes the gate at once, not with the next renewal (P3). */
function closeFor({ code, message }: RejectedError, { app, means }: { app: string; means: LiveMeans }): void {
  const { keeper, nowMs } = means;
  if (keeper.view(app).state !== 'open') return;
  keeper.note(app, { type: 'ground-lost', reason: `${code}: ${message}`, nowMs: nowMs() });
}

function recordOf(
  { live, app, entrypoint }: LiveRequest,
  { permit: { facts }, opened, means }: { permit: RunPermit; opened: OpenedRun; means: LiveMeans },
): LiveRunRecord {
  const { version, treeDigest } = opened.release.statement;
  const { host, nowMs } = means;
  const by = { order: facts.envelope, epoch: facts.epoch };
  return { host, app, version, treeDigest, live, entrypoint, ...by, startedAtMs: nowMs(), ended: undefined };
}

/** As long as the order's window: whether the gate is still open is asked each time. */
function tokenOf(record: LiveRunRecord, { facts }: RunPermit, { keeper, hostKey }: LiveMeans): string {
  const { host, app, live, entrypoint, order, epoch } = record;
  const view = keeper.view(app);
  const expiresMs = view.state === 'open' ? view.order.expiresMs : facts.untilMs;
  return signPermitToken({ host, app, live, entrypoint, order, epoch, expiresMs }, hostKey);
}

/** What was read from disk meanwhile was what the first one's order is about. */
function checkSameOrder({ facts: first }: RunPermit, { facts: now }: RunPermit): void {
  if (first.envelope === now.envelope && first.epoch === now.epoch) return;
  throw refused('order-replaced', 'another order was admitted meanwhile');
}

function bubblewrapOf({ sandbox }: LiveMeans): BubblewrapSandbox {
  if (sandbox) return sandbox;
  throw refused('sandbox-missing', 'there is no bubblewrap on this host');
}

function reasonOf({ aborted, reason }: AbortSignal): string | undefined {
  return aborted ? String(reason) : undefined;
}

function failed(error: unknown): Omit<LiveEnd, 'atMs'> {
  return {
    how: `could not be run: ${String(error)}`.slice(0, 4_000),
    stdout: '',
    stderr: '',
    lines: [],
    outputBytes: 0,
  };
}

function refused(code: Lowercase<string>, reason: string): RejectedError {
  return new RejectedError(code, `refused to run live: ${reason}`);
}
