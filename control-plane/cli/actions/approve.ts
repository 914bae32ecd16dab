/**
 * `keyturn approve`: shows in plain words what would be signed, and signs it; on a file without any connection. The detached
 * route is for whoever wants no program of ours near the key: `--bytes` writes what is to be signed, `--signature` takes it back.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import {
  type DecisionRequest,
  decisionId,
  encodeDecision,
  envelopeOf,
  withSignature,
} from '../../../shared/orders/decision-request.ts';
import { previewKillOrder } from '../../../shared/orders/kill-order.ts';
import { UsageError } from '../../../shared/service/failure.ts';
import { readInputFile } from '../../../shared/service/input-file.ts';
import { writeFileAtomic } from '../../../shared/store/atomic-file.ts';
import { APPROVAL_NAMESPACE, parseApproverKey } from '../../../shared/trust/approver-key.ts';
import type { Policy } from '../../../shared/trust/policy.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../../shared/trust/statement.ts';
import { homeOf, withControlPlane } from '../connection.ts';
import { fetchDecision, isDecisionFile, readDecisionFile } from '../decision-file.ts';
import { presenceWarnings, visiblePolicy } from '../decision-policy.ts';
import { outputOf } from '../output.ts';
import { assertNewFile } from '../output-file.ts';
import type { PassphraseOptions } from '../passphrase.ts';
import { showDecision } from '../show-decision.ts';
import { signShown } from '../sign-decision.ts';
import { approverOf, decisionBytes } from '../signing/approver-signer.ts';
import { approvalFromArmor } from '../signing/detached-approval.ts';
import { openApprover } from '../signing/open-approver.ts';

interface ApproveOptions extends PassphraseOptions {
  readonly key?: string;
  readonly bytes?: string;
  readonly signature?: string;
  readonly public?: string;
  readonly yes?: boolean;
}

interface Waiting {
  readonly request: DecisionRequest;
  /** The published one; undefined for a file, which is signed without any connection. */
  readonly policy: Policy | undefined;
}

export async function approve(reference: string, command: Command): Promise<void> {
  const options = command.optsWithGlobals<ApproveOptions>();
  const { key, bytes, signature, public: publicKey } = options;
  if (key !== undefined && bytes === undefined && signature === undefined)
    return signWith(key, reference, { options, command });
  if (bytes !== undefined && key === undefined && signature === undefined)
    return writeBytes(bytes, reference, { command });
  if (signature !== undefined && publicKey !== undefined && key === undefined && bytes === undefined)
    return takeSignature({ signature, publicKey }, reference, command);
  throw new UsageError('expected --key FILE; or --bytes FILE; or --signature FILE.sig with --public KEY.pub');
}

async function signWith(
  keyFile: string,
  reference: string,
  { options, command }: { options: ApproveOptions; command: Command },
): Promise<void> {
  const { request, policy } = await waiting(reference, command);
  const signer = await openApprover(keyFile, { ...options, env: process.env });
  try {
    const signing = { home: homeOf(command), signer, options, output: outputOf(command), policy };
    const signed = await signShown(request, signing);
    await bringBack(signed, { reference, keyId: signer.key.keyId, command });
  } finally {
    signer.close();
  }
}

/** Shown here all the same: a file of bytes says nothing to whoever signs it. */
async function writeBytes(file: string, reference: string, { command }: { command: Command }): Promise<void> {
  const path = resolve(file);
  assertNewFile(path, 'bytes', '--bytes');
  const { request } = await waiting(reference, command);
  const output = outputOf(command);
  for (const line of showDecision(request, homeOf(command)).lines) output.warnLine(line);
  writeFileAtomic(path, decisionBytes(STATEMENT_PAYLOAD_TYPE, request.payload), { mode: 0o644 });
  output.result({ request: decisionId(request), bytes: path, namespace: APPROVAL_NAMESPACE }, () => [
    `bytes  ${path}`,
    `sign   ssh-keygen -Y sign -n ${APPROVAL_NAMESPACE} -f KEY ${file}`,
    `then   keyturn approve ${reference} --signature ${file}.sig --public KEY.pub`,
  ]);
}

/** Errors: those of `approvalFromArmor`; `approver-not-in-policy`. */
async function takeSignature(
  { signature, publicKey }: { signature: string; publicKey: string },
  reference: string,
  command: Command,
): Promise<void> {
  const { request, policy } = await waiting(reference, command);
  const { lines, policy: carried } = showDecision(request, homeOf(command));
  const output = outputOf(command);
  for (const line of lines) output.warnLine(line);
  const line = readInputFile(publicKey, 'public key').toString('utf8').trim();
  const armored = readInputFile(signature, 'signature').toString('utf8');
  const decision = { payloadType: STATEMENT_PAYLOAD_TYPE, payload: request.payload };
  const approval = approvalFromArmor(armored, line, decision);
  const key = parseApproverKey(line);
  const seen = policy ?? carried;
  if (seen) approverOf(seen, key);
  for (const warning of seen ? presenceWarnings(seen, key) : []) output.warn(warning);
  const signed = withSignature(request, { keyid: approval.keyId, sig: approval.signature });
  await bringBack(signed, { reference, keyId: approval.keyId, command });
}

async function waiting(reference: string, command: Command): Promise<Waiting> {
  if (isDecisionFile(reference)) return { request: readDecisionFile(reference), policy: undefined };
  return withControlPlane(command, 'viewer', async (publisher) => ({
    request: await fetchDecision(reference, publisher.client),
    policy: await visiblePolicy(publisher, outputOf(command)),
  }));
}

/** To where it came from. */
async function bringBack(
  signed: DecisionRequest,
  { reference, keyId, command }: { reference: string; keyId: string; command: Command },
): Promise<void> {
  const id = decisionId(signed);
  const isFile = isDecisionFile(reference);
  let signatures = signed.signatures.length;
  if (isFile) writeFileAtomic(reference, encodeDecision(signed), { mode: 0o644 });
  else {
    const envelope = envelopeOf(signed);
    const approved = await withControlPlane(command, 'viewer', ({ client }) => client.approve({ id, envelope }));
    signatures = approved.signatureCount;
  }
  const file = isFile ? { file: resolve(reference) } : {};
  outputOf(command).result({ request: id, ...file, key: keyId, signatures }, () => [
    `signed: ${signatures} ${signatures === 1 ? 'signature' : 'signatures'} now`,
    `next: ${nextFor(signed, isFile ? reference : id.slice(0, 12))}, once enough people have signed`,
  ]);
}

function nextFor({ kind, payload }: DecisionRequest, reference: string): string {
  switch (kind) {
    case 'enable':
      return `keyturn enable send ${reference}`;
    case 'ruling':
      return `keyturn rule send ${reference}`;
    case 'kill':
      return `keyturn kill ${previewKillOrder(payload).app} --order ${reference}`;
  }
}
