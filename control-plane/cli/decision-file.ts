/** Decisions as people hold them: a file that was carried here, or a name in the inbox. */
import { existsSync } from 'node:fs';
import { sha256 } from '../../shared/digest.ts';
import { RejectedError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { type DecisionRequest, decisionId, parseDecision } from '../../shared/orders/decision-request.ts';
import { readInputFile } from '../../shared/service/input-file.ts';
import { collectBounded } from '../../shared/trust/source.ts';
import type { OperatorClient } from './client.ts';

/** Whether `reference` names a file; else it is a name in the inbox. */
export function isDecisionFile(reference: string): boolean {
  return existsSync(reference);
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

async function* dataOf(pieces: AsyncIterable<{ data: Buffer }>): AsyncIterable<Buffer> {
  for await (const { data } of pieces) yield data;
}
