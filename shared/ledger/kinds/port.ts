import { z } from 'zod';
import { type CheckKind, expectEqual, expectThat } from '../check-kind.ts';

const paramsSchema = z.strictObject({
  port: z.int().min(1).max(65_535),
  protocol: z.enum(['tcp', 'udp']).default('tcp'),
  expect: z.enum(['listening', 'free']),
});
export type PortParams = z.infer<typeof paramsSchema>;

const observationSchema = z.strictObject({
  port: z.int().min(1).max(65_535),
  protocol: z.enum(['tcp', 'udp']),
  listenerCount: z.int().min(0),
  /** Such as `tcp 127.0.0.1:8080`, in the kernel's own order; the first of them. */
  addresses: z.array(z.string().max(64)).max(16),
});
export type PortObservation = z.infer<typeof observationSchema>;

/** A port of this host has a listener, or none. Whose listener it is does not matter to `free`. */
export const portKind: CheckKind<PortParams, PortObservation> = {
  kind: 'port',
  params: paramsSchema,
  observation: observationSchema,
  timeoutMs: 10_000,
  bearsCompany: true,
  judge({ port, protocol, expect }, seen) {
    const isFree = seen.listenerCount === 0 && seen.addresses.length === 0;
    return {
      expectations: [
        expectEqual('port', `${protocol} ${port}`, `${seen.protocol} ${seen.port}`),
        expectThat('listeners', {
          expected: expect === 'free' ? 'none' : 'at least 1',
          actual: isFree ? 'none' : `${seen.listenerCount}: ${seen.addresses.join(', ')}`,
          met: expect === 'free' ? isFree : seen.listenerCount > 0,
        }),
      ],
      findings: [],
    };
  },
};
