/** `keyturn enable request`: puts an enable order together, for exactly the evidence that its hosts have signed. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { RejectedError } from '../../../shared/errors.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { encodeDecision, type HostEvidence } from '../../../shared/orders/decision-request.ts';
import { encodeEnableOrder, previewEnableOrder } from '../../../shared/orders/enable-order.ts';
import { EvidenceTree } from '../../../shared/orders/evidence-leaf.ts';
import { liveEntrypoints, readinessOf, whatIsMissing } from '../../../shared/orders/readiness.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { writeFileAtomic } from '../../../shared/store/atomic-file.ts';
import { withControlPlane } from '../connection.ts';
import { durationText } from '../decision-text/plain-words.ts';
import { gateEpochs } from '../gate-epochs.ts';
import { parseHostName } from '../host-name.ts';
import { instantText } from '../instant-text.ts';
import { outputOf } from '../output.ts';
import { assertNewFile } from '../output-file.ts';
import type { Publisher } from '../publication.ts';
import { parseReleaseName, type ReleaseName } from '../release-name.ts';
import { type StandingRun, standingRun } from '../standing-run.ts';

interface RequestOptions {
  readonly host: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly from?: number;
  readonly for: number;
  readonly lease: number;
  readonly reason: string;
  readonly out?: string;
}

/** An order that is signed at one desk has to arrive at the next. */
const NONCE_BYTES = 16;

export async function requestEnable(name: string, command: Command): Promise<void> {
  const release = parseReleaseName(name);
  const options = command.opts<RequestOptions>();
  const hosts = [...new Set(options.host.map(parseHostName))].sort();
  const path = resolve(options.out ?? `enable-${release.app}-${release.version}.json`);
  assertNewFile(path, 'request');
  checkWindow(options);
  const { request, id } = await withControlPlane(command, 'operator', async (publisher) => {
    const standing = await standingRuns(publisher, { release, hosts });
    const request = await requestFor(publisher, { release, standing, options });
    const document = encodeDecision(request);
    return { request, id: (await publisher.client.submitDecision({ document })).id };
  });
  writeFileAtomic(path, encodeDecision(request), { mode: 0o644 });
  const order = previewEnableOrder(request.payload);
  const { entrypoints, notBeforeMs, expiresMs, leaseMs } = order;
  const window = { entrypoints, notBeforeMs, expiresMs, leaseMs };
  outputOf(command).result({ request: id, file: path, hosts, ...window, leaves: request.leaves }, () => [
    `request  ${id}`,
    `file     ${path}`,
    `hosts    ${hosts.join(', ')}`,
    `runs     ${entrypoints.join(', ')}`,
    `window   ${instantText(notBeforeMs)} to ${instantText(expiresMs)}, lease ${durationText(leaseMs)}`,
    `next     keyturn approve ${path} --key FILE    (or: keyturn approve ${id.slice(0, 12)} --key FILE)`,
    `then     keyturn enable send ${id.slice(0, 12)}`,
  ]);
}

/** Errors: `UsageError`. */
function checkWindow({ from, for: forMs }: RequestOptions): void {
  if (from === undefined || from + forMs > Date.now()) return;
  throw new UsageError(`--from ${instantText(from)}: its window of ${durationText(forMs)} is over already`);
}

/** Each with what it has proven. Errors: `not-ready`, which names every host and criterion that is open. */
async function standingRuns(
  publisher: Publisher,
  { release, hosts }: { release: ReleaseName; hosts: readonly string[] },
): Promise<StandingRun[]> {
  const standing: StandingRun[] = [];
  for (const host of hosts) standing.push(await standingRun(publisher, { release, host }));
  const open = standing.flatMap(({ run, ledger }) =>
    whatIsMissing(readinessOf(ledger, Date.now())).map((line) => `${run.host}: ${line}`),
  );
  if (open.length === 0) return standing;
  const unready = hosts.filter((host) => open.some((line) => line.startsWith(`${host}: `)));
  const name = `${release.app}@${release.version}`;
  throw new RejectedError('not-ready', `failed to request: ${name} is not ready: ${open.join('; ')}`, {
    hint: `keyturn readiness ${name} --host ${unready[0]}`,
  });
}

async function requestFor(
  { client, home }: Publisher,
  { release, standing, options }: { release: ReleaseName; standing: readonly StandingRun[]; options: RequestOptions },
) {
  const { app, version } = release;
  checkLease(standing, options);
  const keys = new Map(standing.map(({ run }) => [run.host, run.ledgerPublicKey]));
  const epochs = await gateEpochs(app, { client, home, keys });
  const tree = new EvidenceTree(
    standing.map(({ run, ledger }) => ({
      host: run.host,
      run: run.runId,
      head: ledger.head.head,
      epoch: epochs.get(run.host) ?? 0,
    })),
  );
  const issuedAtMs = Date.now();
  const notBeforeMs = options.from ?? issuedAtMs;
  const payload = encodeEnableOrder({
    app,
    version,
    treeDigest: oneTree(standing),
    entrypoints: entrypointsFor(standing, options),
    issuedAtMs,
    notBeforeMs,
    expiresMs: notBeforeMs + options.for,
    leaseMs: options.lease,
    nonce: randomBytes(NONCE_BYTES).toString('hex'),
    reason: options.reason,
    evidence: { root: tree.root().toString('hex'), size: tree.size },
  });
  return { kind: 'enable' as const, payload, signatures: [], leaves: tree.leaves, bundles: carried(standing) };
}

/** Which rule a host has is the host's to know; an order that no rule allows is not worth a signature. */
function checkLease(standing: readonly StandingRun[], { lease }: RequestOptions): void {
  for (const { run, ledger } of standing) {
    const longestMs = Math.max(...ledger.policy.rules.map(({ maxLeaseMs }) => maxLeaseMs));
    if (lease <= longestMs) continue;
    const reason = `a lease of ${durationText(lease)}, the policy allows ${durationText(longestMs)}`;
    throw new RejectedError('lease-too-long', `failed to request for "${run.host}": ${reason}`, {
      hint: 'name a shorter one with --lease',
    });
  }
}

/** As many as a file can carry; whoever signs fetches the others. */
function carried(standing: readonly StandingRun[]): HostEvidence[] {
  const bundles: HostEvidence[] = [];
  let bytes = 0;
  for (const { run, bundle } of standing) {
    const parts = [...bundle.entries, bundle.head, bundle.statement, bundle.plan, bundle.buildRecord, bundle.policy];
    bytes += parts.reduce((sum, part) => sum + part.length, 0) * (4 / 3);
    if (bundles.length === LIMITS.decisionBundleCount || bytes > LIMITS.decisionBytes * 0.9) break;
    bundles.push({ host: run.host, run: run.runId, bundle });
  }
  return bundles;
}

function oneTree(standing: readonly StandingRun[]): string {
  const digests = [...new Set(standing.map(({ ledger }) => ledger.admitted.treeDigest))];
  const [digest] = digests;
  if (digest !== undefined && digests.length === 1) return digest;
  throw new RejectedError('tree-differs', `failed to request: the hosts hold ${digests.length} different trees`);
}

/** All live entrypoints of the plan unless said. */
function entrypointsFor(standing: readonly StandingRun[], { entrypoint }: RequestOptions): string[] {
  const plan = standing[0]?.ledger;
  const live = plan ? liveEntrypoints(plan) : [];
  const wanted = [...new Set(entrypoint ?? live)].sort();
  const unknown = wanted.find((name) => !live.includes(name));
  if (unknown === undefined) return wanted;
  throw new RejectedError(
    'entrypoint-not-in-plan',
    `failed to request: the signed plan has no live entrypoint "${unknown}"`,
    { hint: live.length === 0 ? 'it has none at all' : `it has ${live.join(', ')}` },
  );
}
