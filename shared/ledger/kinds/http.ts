import { z } from 'zod';
import { type CheckKind, expectEqual, expectThat } from '../check-kind.ts';
import type { Expectation } from '../status.ts';
import { expectMatch, textExpectationSchema, textMatchSchema } from './text-match.ts';

const LOOPBACK_V4 = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;

const paramsSchema = z.strictObject({
  url: z
    .string()
    .max(2048)
    .refine(
      isLoopbackUrl,
      'expected http:// and a literal loopback address (127.0.0.0/8 or [::1]), without user or password',
    ),
  expect: z
    .strictObject({ status: z.int().min(100).max(599).default(200), body: textExpectationSchema.optional() })
    .default({ status: 200 }),
});
export type HttpParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  url: z.string().max(2048),
  answer: z.discriminatedUnion('came', [
    z.strictObject({
      came: z.literal('whole'),
      status: z.int().min(100).max(999),
      bodyBytes: z.int().min(0),
      body: textMatchSchema.optional(),
      /** Where a redirection points; it is not followed. */
      location: z.string().max(512).optional(),
    }),
    /** No connection, no answer, or one that is over a bound. */
    z.strictObject({ came: z.literal('not'), reason: z.string().max(512) }),
  ]),
});
export type HttpObservation = z.infer<typeof observationSchema>;

/** A GET to a service on this host's own loopback. */
export const httpKind: CheckKind<HttpParams, HttpObservation> = {
  kind: 'http',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 10_000,
  bearsCompany: true,
  judge: ({ url, expect }, seen) => ({
    expectations: [expectEqual('url', url, seen.url), ...expectAnswer(expect, seen.answer)],
    findings: [],
  }),
};

function expectAnswer(expect: HttpParams['expect'], answer: HttpObservation['answer']): Expectation[] {
  if (answer.came === 'not') {
    return [expectThat('status', { expected: String(expect.status), actual: answer.reason, met: false })];
  }
  const towards = answer.location === undefined ? '' : ` to ${answer.location}`;
  return [
    expectThat('status', {
      expected: String(expect.status),
      actual: `${answer.status}${towards}`,
      met: answer.status === expect.status,
    }),
    ...(expect.body ? [expectMatch('body', expect.body.matches, answer.body)] : []),
  ];
}

/** No name, not even `localhost`: what a name leads to is for a resolver to say, not for a signed plan. */
export function isLoopbackUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  return (
    protocol === 'http:' && username === '' && password === '' && (LOOPBACK_V4.test(hostname) || hostname === '[::1]')
  );
}
