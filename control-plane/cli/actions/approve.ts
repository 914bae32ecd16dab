/** `keyturn approve`: shows in plain words what would be signed, and signs it; on a file without any connection. */
import type { Command } from 'commander';
import { RejectedError } from '../../../shared/errors.ts';
import { checkKinds } from '../../../shared/ledger/kinds/registry.ts';
import { readLedgerBundle, type VerifiedLedger } from '../../../shared/ledger/ledger-bundle.ts';
import {
  type DecisionRequest,
  decisionId,
  encodeDecision,
  envelopeOf,
  withSignature,
} from '../../../shared/orders/decision-request.ts';
import { previewEnableOrder } from '../../../shared/orders/enable-order.ts';
import { previewKillOrder } from '../../../shared/orders/kill-order.ts';
import { previewRuling } from '../../../shared/orders/ruling.ts';
import { writeFileAtomic } from '../../../shared/store/atomic-file.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../../shared/trust/statement.ts';
import { ApprovedBefore } from '../approved-before.ts';
import { confirm } from '../confirm.ts';
import { homeOf, withControlPlane } from '../connection.ts';
import { fetchDecision, isDecisionFile, readDecisionFile } from '../decision-file.ts';
import { type ApprovalRecord, approvalRecordOf } from '../decision-text/approval-record.ts';
import { changesSince } from '../decision-text/changes-since.ts';
import { enableDecision } from '../decision-text/enable-decision.ts';
import { enableLines } from '../decision-text/enable-lines.ts';
import { killLines } from '../decision-text/kill-lines.ts';
import { rulingLines } from '../decision-text/ruling-lines.ts';
import type { Home } from '../home.ts';
import { pinnedHostKey } from '../host-keys.ts';
import { type CommandOutput, outputOf } from '../output.ts';
import type { PassphraseOptions } from '../passphrase.ts';
import type { ApproverSigner } from '../signing/approver-signer.ts';
import { openApprover } from '../signing/open-approver.ts';

interface ApproveOptions extends PassphraseOptions {
  readonly key: string;
  readonly yes?: boolean;
}

export async function approve(reference: string, command: Command): Promise<void> {
  const home = homeOf(command);
  const options = command.optsWithGlobals<ApproveOptions>();
  const isFile = isDecisionFile(reference);
  const request = isFile
    ? readDecisionFile(reference)
    : await withControlPlane(command, 'viewer', ({ client }) => fetchDecision(reference, client));
  const signer = await openApprover(options.key, { ...options, env: process.env });
  try {
    const signed = await signShown(request, { home, signer, options, output: outputOf(command) });
    if (isFile) writeFileAtomic(reference, encodeDecision(signed), { mode: 0o644 });
    else {
      const id = decisionId(signed);
      const envelope = envelopeOf(signed);
      await withControlPlane(command, 'viewer', ({ client }) => client.approve({ id, envelope }));
    }
    tell(signed, { reference: isFile ? reference : decisionId(signed), command, signer });
  } finally {
    signer.close();
  }
}

interface Signing {
  readonly home: Home;
  readonly signer: ApproverSigner;
  readonly options: Pick<ApproveOptions, 'yes'>;
  readonly output: CommandOutput;
}

/** Shows what is signed, asks, signs, and remembers. Errors: `not-confirmed`; those of the signer, and of what is shown. */
export async function signShown(request: DecisionRequest, signing: Signing): Promise<DecisionRequest> {
  const { home, signer, options, output } = signing;
  const { lines, record } = shown(request, home);
  for (const line of lines) output.warnLine(line);
  const memory = new ApprovedBefore(home);
  const { keyId } = signer.key;
  for (const line of record ? news(memory, { keyId, record, output }) : []) output.warnLine(line);
  if (options.yes !== true) await confirm(`sign with key ${keyId}?`);
  if (signer.how === 'ssh-agent' && signer.key.text.startsWith('sk-')) output.warnLine('touch the security key');
  const { signature } = await signer.sign(STATEMENT_PAYLOAD_TYPE, request.payload);
  if (record) memory.remember(keyId, record);
  return withSignature(request, { keyid: keyId, sig: signature });
}

interface Shown {
  readonly lines: readonly string[];
  /** Of an enable order: for the next approval to be compared with. */
  readonly record: ApprovalRecord | undefined;
}

/** Read from the very bytes that are signed. */
function shown(request: DecisionRequest, home: Home): Shown {
  const { kind, payload, leaves } = request;
  switch (kind) {
    case 'enable': {
      const ledgers = carriedLedgers(request, home);
      const decision = enableDecision({ order: previewEnableOrder(payload), leaves, ledgers });
      return { lines: enableLines(decision, Date.now()), record: approvalRecordOf(decision, Date.now()) };
    }
    case 'ruling':
      return { lines: rulingLines(previewRuling(payload)), record: undefined };
    case 'kill':
      return { lines: killLines(previewKillOrder(payload)), record: undefined };
  }
}

/** Verified here with the keys that this machine knows the hosts by: what the file says of itself counts for nothing. */
function carriedLedgers({ bundles }: DecisionRequest, home: Home): VerifiedLedger[] {
  return bundles.map(({ host, bundle }) => {
    const hostPublicKey = pinnedHostKey(home.folder, { host, shown: bundle.hostPublicKey });
    return readLedgerBundle(bundle, { kinds: checkKinds, hostPublicKey });
  });
}

function news(
  memory: ApprovedBefore,
  { keyId, record, output }: { keyId: string; record: ApprovalRecord; output: CommandOutput },
): string[] {
  try {
    return changesSince(memory.last({ app: record.app, keyId }), record);
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    output.warn(error.message);
    return changesSince(undefined, record);
  }
}

function tell(
  signed: DecisionRequest,
  { reference, command, signer }: { reference: string; command: Command; signer: ApproverSigner },
): void {
  const { kind, signatures } = signed;
  const send = { enable: 'keyturn enable send', ruling: 'keyturn rule send', kill: 'keyturn kill --order' }[kind];
  const result = { request: decisionId(signed), signatures: signatures.length, key: signer.key.keyId };
  outputOf(command).result(result, () => [
    `signed: ${signatures.length} ${signatures.length === 1 ? 'signature' : 'signatures'} now`,
    `next: ${send} ${reference}, once enough people have signed`,
  ]);
}
