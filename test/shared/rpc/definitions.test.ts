import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { generatedFiles } from '../../../scripts/generate-proto.ts';
import { agentGatewayService, directiveCodec, operatorService, reportCodec } from '../../../shared/rpc/definitions.ts';
import type { AgentToControl, Report } from '../../../shared/rpc/generated/messages.ts';
import { codeOf } from '../../support/rejection-of.ts';

const session = agentGatewayService.Session as NonNullable<typeof agentGatewayService.Session>;

/** `AgentToControl` with `seq` as an unsigned 64-bit number, written by hand. */
function messageWithSeq(seq: bigint): Buffer {
  const bytes = [0x08];
  for (let rest = seq; ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
}

describe('shared/rpc/definitions', () => {
  it('is generated from the protos as they stand', () => {
    const files = generatedFiles();
    expect(files.size).to.equal(3);
    for (const [name, content] of files) {
      const path = new URL(`../../../shared/rpc/generated/${name}`, import.meta.url);
      expect(readFileSync(path, 'utf8') === content, `${name} is stale`).to.equal(true);
    }
  });

  it('gives back what was put in, for any report', () => {
    const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
    const entry = fc.record({ runId: fc.string(), seq: fc.maxSafeNat(), entry: bytes, head: bytes });
    fc.assert(
      fc.property(entry, (ledgerEntry) => {
        const report: Report = { kind: 'ledgerEntry', ledgerEntry };
        expect(reportCodec.decode(reportCodec.encode(report))).to.deep.equal(report);
      }),
    );
  });

  it('encodes a directive in one way, so that the same directive is the same bytes', () => {
    const deploy = { runId: 'r', targetPath: 'demo/1.0.json', statementSha256: 'a'.repeat(64) };
    const bytes = directiveCodec.encode({ kind: 'deploy', deploy });
    expect(directiveCodec.encode(directiveCodec.decode(bytes))).to.deep.equal(bytes);
  });

  it('refuses a number that JavaScript would round, and takes the largest that it would not', () => {
    const largest = session.requestDeserialize(messageWithSeq(2n ** 53n - 1n)) as AgentToControl;
    expect(largest.seq).to.equal(Number.MAX_SAFE_INTEGER);
    for (const seq of [2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
      expect(() => session.requestDeserialize(messageWithSeq(seq)), String(seq)).to.throw('expected a safe integer');
    }
  });

  it('refuses to send a number below zero or with a fraction', () => {
    for (const seq of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => session.requestSerialize({ seq, ack: 0 }), String(seq)).to.throw('expected a safe integer');
    }
  });

  it('refuses bytes that are no message', async () => {
    const decoding = (bytes: Buffer) => codeOf((async () => directiveCodec.decode(bytes))());
    expect(await decoding(Buffer.from([0xff, 0xff]))).to.equal('message-malformed');
    expect(await decoding(Buffer.from([0x0a, 0x7f, 1]))).to.equal('message-malformed');
  });

  it('leaves no prototype to be reached by a name on the wire', () => {
    const publish = operatorService.Publish as NonNullable<typeof operatorService.Publish>;
    const request = { metadata: [{ name: '__proto__', content: Buffer.from('x') }], targets: [] };
    const received = publish.requestDeserialize(publish.requestSerialize(request)) as typeof request;
    expect(received.metadata[0]?.name).to.equal('__proto__');
    expect(({} as Record<string, unknown>).content).to.equal(undefined);
  });
});
