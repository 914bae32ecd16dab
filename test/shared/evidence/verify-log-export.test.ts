/** An export of the log, and what somebody who hands it over may do to it. */
import { expect } from 'chai';
import { exportLog } from '../../../control-plane/cli/export-log.ts';
import { encodeLogExport, type LogExport, parseLogExport } from '../../../shared/evidence/log-export.ts';
import { verifyLogExport } from '../../../shared/evidence/verify-log-export.ts';
import { CommandWorld } from '../../support/command-line.ts';
import { rootOf } from '../../support/evidence-world.ts';
import { codeOf } from '../../support/rejection-of.ts';

describe('shared/evidence/verify-log-export', function () {
  this.timeout(30_000);
  let world: CommandWorld;
  let root: Buffer;
  let bytes: Buffer;

  before(async () => {
    world = await CommandWorld.started();
    root = rootOf(world.home);
    const documents = Array.from({ length: 9 }, (_, index) => Buffer.from(`verdict ${index}`));
    await world.service.plane.log.append(documents.map((document) => ({ kind: 'verdict', document })));
    ({ bytes } = await exported(3, 4));
  });
  after(() => world[Symbol.asyncDispose]());

  const exported = (first: number, limit: number) => exportLog({ first, limit }, world.publisher('viewer'));
  const tampered = (deed: (document: LogExport) => void): Buffer => {
    const document = parseLogExport(bytes);
    deed(document);
    return encodeLogExport(document);
  };

  for (const [first, limit, count] of [
    [0, 0, 9],
    [3, 4, 4],
    [7, 100, 2],
    [20, 0, 0],
  ] as const) {
    it(`shows ${count} of nine entries from ${first} on, under the root of all nine`, async () => {
      const found = await verifyLogExport((await exported(first, limit)).bytes, { root });
      expect([found.first, found.records.length, found.log.size]).to.deep.equal([Math.min(first, 9), count, 9]);
      const places = found.records.map(({ document }) => document.toString());
      expect(places).to.deep.equal(Array.from({ length: count }, (_, index) => `verdict ${first + index}`));
    });
  }

  it('exports an empty log', async () => {
    await using empty = await CommandWorld.started();
    const { found } = await exportLog({ first: 0, limit: 0 }, empty.publisher('viewer'));
    expect([found.log.size, found.records]).to.deep.equal([0, []]);
  });

  it('writes the same twice', async () => {
    expect((await exported(3, 4)).bytes.equals(bytes)).to.equal(true);
  });

  it('takes no root but the one that is pinned', async () => {
    await using other = await CommandWorld.held();
    expect(await codeOf(verifyLogExport(bytes, { root: rootOf(other.home) }))).to.equal('root-differs');
  });

  const DEEDS: Readonly<Record<string, readonly [code: string, deed: (document: LogExport) => void]>> = {
    'leaves an entry out': ['log-differs', ({ records }) => void records.splice(1, 1)],
    'puts an entry in twice': ['log-differs', ({ records }) => void records.push(...records.slice(-1))],
    'turns the entries round': ['log-differs', ({ records }) => void records.reverse()],
    'changes a document': ['log-differs', ({ records }) => void records[0]?.document.fill('x')],
    'calls a verdict a kill': ['log-differs', ({ records }) => void records.splice(0, 1, renamed(records[0]))],
    'exchanges what is before and behind': [
      'log-differs',
      (document) => {
        [document.before, document.after] = [document.after, document.before];
      },
    ],
    'leaves out what is behind': [
      'log-differs',
      (document) => {
        document.after = Buffer.alloc(0);
      },
    ],
    'cuts a hash': [
      'evidence-malformed',
      (document) => {
        document.before = document.before.subarray(1);
      },
    ],
    'changes the checkpoint': [
      'note-signature-invalid',
      (document) => {
        document.checkpoint = Buffer.from(document.checkpoint.toString().replace('\n9\n', '\n8\n'));
      },
    ],
    'changes the policy': ['target-differs', ({ policy }) => void policy.fill(0x20, 0, 1)],
    'gives other targets': [
      'metadata-type-mismatch',
      ({ trust }) => {
        trust.targets = trust.snapshot;
      },
    ],
  };
  for (const [what, [code, deed]] of Object.entries(DEEDS)) {
    it(`P9: answers ${code} when somebody ${what}`, async () => {
      expect(await codeOf(verifyLogExport(tampered(deed), { root }))).to.equal(code);
    });
  }
});

function renamed(record: LogExport['records'][number] | undefined): LogExport['records'][number] {
  return { kind: 'kill', document: record?.document ?? Buffer.alloc(0) };
}
