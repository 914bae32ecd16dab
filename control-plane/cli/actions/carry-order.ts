/** `keyturn carry order`: a signed enable order as one file, for a host that no network reaches. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { RejectedError } from '../../../shared/errors.ts';
import { type CarriedOrder, encodeCarriedOrder } from '../../../shared/evidence/carried-order.ts';
import type { DecisionRequest } from '../../../shared/orders/decision-request.ts';
import { previewEnableOrder } from '../../../shared/orders/enable-order.ts';
import { EvidenceTree } from '../../../shared/orders/evidence-leaf.ts';
import { writeFileAtomic } from '../../../shared/store/atomic-file.ts';
import { encodeLogProof } from '../../../shared/transparency/log-proof.ts';
import { MerkleTree } from '../../../shared/transparency/merkle-tree.ts';
import type { NoteKey } from '../../../shared/trust/verifier-key.ts';
import { walkLog } from '../audit-log.ts';
import { withControlPlane } from '../connection.ts';
import { decisionOf, signedEnvelope } from '../decision-file.ts';
import { exportTrust } from '../export-trust.ts';
import { lastAnswers } from '../gate-epochs.ts';
import { parseHostName } from '../host-name.ts';
import { outputOf } from '../output.ts';
import { assertOutputFile } from '../output-file.ts';
import type { Publisher } from '../publication.ts';

interface CarryOptions {
  readonly host: string;
  readonly logSize?: number;
  readonly out: string;
}

/** The order is in the log, and waits for its hosts as one that was sent; the file is what one of them needs of it. */
export async function carryOrder(reference: string, command: Command): Promise<void> {
  const options = command.opts<CarryOptions>();
  const host = parseHostName(options.host);
  const path = resolve(options.out);
  assertOutputFile(path, 'carried order');
  const { bytes, size } = await withControlPlane(command, 'operator', async (publisher) => {
    const request = await decisionOf(reference, publisher.client);
    const envelope = signedEnvelope(request, 'enable');
    const leaves = request.leaves.map(({ host, run, head, epoch }) => ({ host, runId: run, head, epoch }));
    const covered = coverageOf(request, host);
    await publisher.client.sendEnable({ envelope, leaves });
    const { trust, policy, log } = await exportTrust(publisher);
    const { app } = previewEnableOrder(request.payload);
    const seenSize = options.logSize ?? (await seenBy(host, { app, request, publisher }));
    const inLog = await proofOf(envelope, { publisher, log, seenSize });
    const { logProof, logConsistency } = inLog;
    const order = { host, app, envelope, ...covered, logProof, logConsistency, trust, policy };
    return { bytes: encodeCarriedOrder(order), size: inLog.size };
  });
  writeFileAtomic(path, bytes);
  outputOf(command).result({ path, host, bytes: bytes.length, logSize: size }, () => [
    path,
    `  for ${host}, ${bytes.length} bytes, in the log of ${size} entries`,
    `follow it there: keyturn-agent apply FILE`,
  ]);
}

type Coverage = Pick<CarriedOrder, 'run' | 'head' | 'epoch' | 'evidenceIndex' | 'evidencePath'>;

function coverageOf({ leaves }: DecisionRequest, host: string): Coverage {
  const proof = leaves.length === 0 ? undefined : new EvidenceTree(leaves).proofFor(host);
  if (!proof) throw new RejectedError('evidence-not-in-order', `the order does not cover host "${host}"`);
  const { leaf, index, path } = proof;
  const evidencePath = path.map((node) => Buffer.from(node));
  return { run: leaf.run, head: leaf.head, epoch: leaf.epoch, evidenceIndex: index, evidencePath };
}

/** How much of the log the host has seen, as it signed last; its owner may know better. */
async function seenBy(
  host: string,
  { app, request, publisher }: { app: string; request: DecisionRequest; publisher: Publisher },
): Promise<number> {
  const keys = new Map(request.bundles.map(({ host, bundle }) => [host, bundle.hostPublicKey]));
  return (await lastAnswers(app, { ...publisher, keys })).get(host)?.logSize ?? 0;
}

interface InLog {
  readonly size: number;
  readonly logProof: Buffer;
  readonly logConsistency: Buffer[];
}

/** From the log as this machine has checked it, entry by entry. */
async function proofOf(
  envelope: Buffer,
  { publisher, log, seenSize }: { publisher: Publisher; log: NoteKey; seenSize: number },
): Promise<InLog> {
  let [index, count] = [-1, 0];
  const { checkpoint, leafHashes } = await walkLog(publisher, {
    log,
    visit: (kind, document) => {
      if (kind === 'enable' && document.equals(envelope)) index = count;
      count += 1;
    },
  });
  if (index < 0) throw new RejectedError('not-in-log', 'failed to carry the order: it does not stand in the log');
  if (seenSize > count) {
    throw new RejectedError(
      'log-shorter',
      `failed to carry the order: the host has seen ${seenSize} entries of ${count}`,
    );
  }
  const tree = MerkleTree.ofHashes(leafHashes);
  const logProof = encodeLogProof({ index, proof: tree.proof(index), checkpoint });
  return { size: count, logProof, logConsistency: seenSize === 0 ? [] : tree.consistency(seenSize) };
}
