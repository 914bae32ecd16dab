import { type IncomingMessage, request } from 'node:http';
import { messageOf, systemCodeOf } from '../../shared/errors.ts';
import { type HttpObservation, type HttpParams, httpKind } from '../../shared/ledger/kinds/http.ts';
import { LIMITS } from '../../shared/limits.ts';
import { paramsOf, timeoutMsOf } from './check-params.ts';
import { cutEnd } from './cut-text.ts';
import { matchText } from './match-pattern.ts';
import { type CheckContext, type CheckOutcome, observed } from './observe.ts';
import { redactorOf } from './redactor.ts';

/**
 * Sends one GET to a loopback address and sees the answer. A redirection is an answer like others and is not followed; no proxy
 * is asked, whatever the environment says.
 */
export async function observeHttp(context: CheckContext): Promise<CheckOutcome> {
  const params = paramsOf(httpKind, context.check);
  const timeoutMs = timeoutMsOf(httpKind, context.check);
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const { response, body } = await get(params.url, AbortSignal.any([context.signal, timeout]));
    return observed({ url: params.url, answer: answerOf({ response, body, params, context }) });
  } catch (error) {
    // The agent itself is being stopped: what the service would have answered is not known.
    if (context.signal.aborted) throw error;
    const reason = timeout.aborted
      ? `no whole answer within ${timeoutMs} ms`
      : `no answer: ${systemCodeOf(error) ?? messageOf(error)}`;
    return observed({ url: params.url, answer: { came: 'not', reason: cutEnd(reason, 512) } });
  }
}

interface Answer {
  readonly response: IncomingMessage;
  readonly body: Buffer;
}

function get(url: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'GET', agent: false, signal }, (response) => {
      readBody(response).then((body) => resolve({ response, body }), reject);
    });
    sent.once('error', reject);
    sent.end();
  });
}

async function readBody(response: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response) {
    bytes += (piece as Buffer).length;
    if (bytes > LIMITS.capturedOutputBytes) throw new Error(`a body over ${LIMITS.capturedOutputBytes} bytes`);
    pieces.push(piece as Buffer);
  }
  return Buffer.concat(pieces);
}

function answerOf(seen: Answer & { params: HttpParams; context: CheckContext }): HttpObservation['answer'] {
  const { response, body, params, context } = seen;
  const redactText = redactorOf(context);
  const wanted = params.expect.body;
  const { location } = response.headers;
  return {
    came: 'whole',
    status: response.statusCode ?? 0,
    bodyBytes: body.length,
    body: wanted && matchText(wanted.matches, redactText(body.toString('utf8'))),
    location: location === undefined ? undefined : cutEnd(redactText(location), 512),
  };
}
