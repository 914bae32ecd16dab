/** Decisions as people hold them: a file that was carried here, or a name in the inbox. */
import { existsSync } from 'node:fs';
import { sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import {
  type DecisionRequest,
  decisionId,
  envelopeOf,
  parseDecision,
  withSignature,
} from '../../shared/orders/decision-request.ts';
import { UsageError } from '../../shared/service/failure.ts';
import { readInputFile } from '../../shared/service/input-file.ts';
import { collectBounded } from '../../shared/trust/source.ts';
import type { OperatorClient } from './client.ts';

/** Names in the inbox, or the beginning of one. */
const INBOX_NAME = /^[0-9a-f]{4,64}$/;

/** Whether `reference` names a file; else it is a name in the inbox. What cannot be such a name is a file that is not there. */
export function isDecisionFile(reference: string): boolean {
  return !INBOX_NAME.test(reference) || existsSync(reference);
}

/** Errors: those of `parseDecision`; `UsageError`. */
export function readDecisionFile(path: string): DecisionRequest {
  return parseDecision(readInputFile(path, 'request'));
}

/** Errors: those of `parseDecision`; `decision-unknown`, `decision-ambiguous`, `decision-differs`. */
export async function fetchDecision(id: string, client: OperatorClient): Promise<DecisionRequest> {
  const pieces = client.fetchDecision({ id });
  const bytes = await collectBounded(dataOf(pieces), { maxBytes: LIMITS.decisionBytes, what: `decision ${id}` });
  const request = parseDecision(bytes);
  if (decisionId(request).startsWith(id)) return request;
  throw new RejectedError('decision-differs', `failed to fetch decision "${id}": got "${sha256(request.payload)}"`);
}

/** A file with the signatures that it carries, and with those that were left in the inbox. Errors: as `fetchDecision`. */
export async function decisionOf(reference: string, client: OperatorClient): Promise<DecisionRequest> {
  if (!isDecisionFile(reference)) return fetchDecision(reference, client);
  const request = readDecisionFile(reference);
  try {
    return (await fetchDecision(decisionId(request), client)).signatures.reduce(withSignature, request);
  } catch (error) {
    if (error instanceof RejectedError && error.code === 'decision-unknown') return request; // it was carried, not submitted
    throw error;
  }
}

/** Errors: `UsageError` for a decision of another kind, or that nobody has signed. */
export function signedEnvelope(request: DecisionRequest, kind: DecisionRequest['kind']): Buffer {
  if (request.kind !== kind)
    throw new UsageError(`expected a request of kind ${kind}, got one of kind ${request.kind}`);
  if (request.signatures.length > 0) return envelopeOf(request);
  throw new UsageError('nobody has signed it yet', 'keyturn approve REQUEST --key FILE');
}

async function* dataOf(pieces: AsyncIterable<{ data: Buffer }>): AsyncIterable<Buffer> {
  for await (const { data } of pieces) yield data;
}
