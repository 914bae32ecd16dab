/** `keyturn drill prepare`: approvers sign orders that can open nothing, so that hosts can be asked to refuse them. */
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { RejectedError } from '../../../shared/errors.ts';
import { envelopeOf } from '../../../shared/orders/decision-request.ts';
import { checkDrillOrder, drillOrders } from '../../../shared/orders/drill-order.ts';
import { previewEnableOrder } from '../../../shared/orders/enable-order.ts';
import { liveEntrypoints } from '../../../shared/orders/readiness.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../../shared/trust/statement.ts';
import { confirm } from '../confirm.ts';
import { withControlPlane } from '../connection.ts';
import { type DrillSet, readDrillFile, writeDrillFile } from '../drill-file.ts';
import { gateEpochs } from '../gate-epochs.ts';
import { parseHostName } from '../host-name.ts';
import { outputOf } from '../output.ts';
import type { PassphraseOptions } from '../passphrase.ts';
import type { Publisher } from '../publication.ts';
import { parseReleaseName } from '../release-name.ts';
import { openApprover } from '../signing/open-approver.ts';
import { standingRun } from '../standing-run.ts';

interface PrepareOptions extends PassphraseOptions {
  readonly host?: readonly string[];
  readonly from?: string;
  readonly key?: readonly string[];
  readonly out?: string;
  readonly yes?: boolean;
}

const NONCE_BYTES = 16;

export async function prepareDrill(release: string | undefined, command: Command): Promise<void> {
  const options = command.optsWithGlobals<PrepareOptions>();
  if ((release === undefined) === (options.from === undefined)) {
    throw new UsageError('expected NAME@VERSION with --host HOST, or --from FILE');
  }
  let set = options.from === undefined ? await freshSet(release ?? '', command) : readDrillFile(options.from);
  for (const file of options.key ?? []) set = await signed(set, { file, options, command });
  if (options.out !== undefined) return saveSet(set, { path: options.out, command });
  const orders = set.orders.map((order) => ({ row: order.row, envelope: envelopeOf(signedOnly(order)) }));
  const leaves = set.leaves.map(({ host, run, head, epoch }) => ({ host, runId: run, head, epoch }));
  const { hosts } = await withControlPlane(command, 'operator', ({ client }) =>
    client.keepDrillOrders({ orders, leaves }),
  );
  const { app } = previewEnableOrder(set.orders[0]?.payload ?? Buffer.alloc(0));
  outputOf(command).result({ app, hosts, orders: orders.map(({ row }) => row) }, () => [
    `prepared  ${orders.length} orders for ${hosts.join(', ')}`,
    `next      keyturn drill --app ${app} --host ${hosts[0]}`,
  ]);
}

/** Bound to what stands on the hosts now. Errors: those of `standingRun` and `gateEpochs`. */
async function freshSet(release: string, command: Command): Promise<DrillSet> {
  const name = parseReleaseName(release);
  const hosts = [...new Set((command.opts<PrepareOptions>().host ?? []).map(parseHostName))].sort();
  if (hosts.length === 0) throw new UsageError('expected --host HOST');
  return withControlPlane(command, 'viewer', async (publisher: Publisher) => {
    const standing = [];
    for (const host of hosts) standing.push(await standingRun(publisher, { release: name, host }));
    const [first] = standing;
    if (!first) throw new UsageError('expected --host HOST');
    const entrypoints = liveEntrypoints(first.ledger);
    if (entrypoints.length === 0) {
      throw new RejectedError('entrypoint-not-in-plan', `failed to prepare: "${release}" has no live entrypoint`);
    }
    const keys = new Map(standing.map(({ run }) => [run.host, run.ledgerPublicKey]));
    const epochs = await gateEpochs(name.app, { ...publisher, keys });
    const leaves = standing.map(({ run, ledger }) => ({
      ...{ host: run.host, run: run.runId, head: ledger.head.head, epoch: epochs.get(run.host) ?? 0 },
    }));
    const orders = drillOrders({
      ...name,
      treeDigest: first.ledger.admitted.treeDigest,
      entrypoints,
      leaves,
      nowMs: Date.now(),
      nonce: () => randomBytes(NONCE_BYTES).toString('hex'),
    });
    return { leaves, orders: orders.map(({ row, payload }) => ({ row, payload, signatures: [] })) };
  });
}

async function signed(
  set: DrillSet,
  { file, options, command }: { file: string; options: PrepareOptions; command: Command },
): Promise<DrillSet> {
  const output = outputOf(command);
  for (const { row, payload } of set.orders) {
    const order = previewEnableOrder(payload);
    checkDrillOrder(row, order, { leaves: set.leaves, nowMs: Date.now() });
    const window = `${new Date(order.notBeforeMs).toISOString()} to ${new Date(order.expiresMs).toISOString()}`;
    output.warnLine(`${row}: ${order.app}@${order.version}, ${window}; it can open nothing`);
  }
  const signer = await openApprover(file, { ...options, env: process.env });
  try {
    if (options.yes !== true) await confirm(`sign these ${set.orders.length} with key ${signer.key.keyId}?`);
    const orders = [];
    for (const order of set.orders) {
      const { signature } = await signer.sign(STATEMENT_PAYLOAD_TYPE, order.payload);
      const others = order.signatures.filter(({ sig }) => !sig.equals(signature));
      orders.push({ ...order, signatures: [...others, { keyid: signer.key.keyId, sig: signature }] });
    }
    return { ...set, orders };
  } finally {
    signer.close();
  }
}

function saveSet(set: DrillSet, { path, command }: { path: string; command: Command }): void {
  writeDrillFile(path, set);
  const signatures = set.orders[0]?.signatures.length ?? 0;
  outputOf(command).result({ file: path, signatures }, () => [
    `file  ${path}`,
    `next  keyturn drill prepare --from ${path} --key FILE`,
  ]);
}

function signedOnly<T extends DrillSet['orders'][number]>(order: T): T {
  if (order.signatures.length > 0) return order;
  throw new UsageError('nobody has signed the orders', 'name keys of approvers with --key, or a file with --out');
}
