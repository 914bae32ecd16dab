import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { buildProvingDocuments } from '../../../../control-plane/report/documents.ts';
import { reportSetOf } from '../../../../control-plane/report/report-set.ts';
import { folderSink } from '../../../../control-plane/report/sinks/folder.ts';
import { publish, type SinkReceipt } from '../../../../control-plane/report/sinks/sink.ts';
import { sha256 } from '../../../../shared/digest.ts';
import { reportKind } from '../../../../shared/ledger/kinds/report.ts';
import { ledgerFixture } from '../../../support/ledger-fixture.ts';

describe('control-plane/report/sinks/folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-folder-sink-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const set = reportSetOf(buildProvingDocuments(ledgerFixture().read()));

  it('writes every document in three forms, whose digests are those of the set', async () => {
    await folderSink(folder).take(set);
    const target = join(folder, 'iu-cutter-0.6', 'run-7');
    expect(readdirSync(target)).to.have.length(21);
    for (const file of set.files) expect(sha256(readFileSync(join(target, file.name)))).to.equal(file.sha256);
    expect(readdirSync(target))
      .to.include('01-environment-and-authority.md')
      .and.include('07-rollback-and-disable-proof.html');
  });

  it('can be asked again, and leaves the same', async () => {
    await folderSink(folder).take(set);
    await folderSink(folder).take(set);
    expect(readdirSync(join(folder, 'iu-cutter-0.6', 'run-7'))).to.have.length(21);
  });

  for (const run of ['..', '../../etc', 'a/b', '', '.hidden', 'a\0b']) {
    it(`writes nothing for a run called ${JSON.stringify(run)}`, async () => {
      const [receipt] = await publish({ ...set, run }, [folderSink(join(folder, 'in'))]);
      expect(receipt?.ok).to.equal(false);
      expect(existsSync(join(folder, 'in'))).to.equal(false);
    });
  }

  /** What the host is asked to record of it. */
  const observed = (receipts: readonly SinkReceipt[]) =>
    reportKind.observation.parse({
      documents: set.files.map(({ name, sha256: digest }) => ({ name, sha256: digest })),
      sinks: receipts.map(({ kind, location, ok }) => ({ kind, location, ok })),
    });

  it('gives a receipt that is evidence for G8', async () => {
    const { expectations } = reportKind.judge({ documents: 7 }, observed(await publish(set, [folderSink(folder)])));
    expect(expectations.map(({ met }) => met)).to.deep.equal([true, true]);
  });

  it('gives a receipt that fails G8 when the folder cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '');
    const receipts = await publish(set, [folderSink(join(folder, 'file', 'below'))]);
    const { expectations } = reportKind.judge({ documents: 7 }, observed(receipts));
    expect(expectations.map(({ met }) => met)).to.deep.equal([true, false]);
  });

  it('takes documents of one run only', () => {
    const other = buildProvingDocuments(ledgerFixture({ run: 'run-8' }).read());
    expect(() => reportSetOf([...buildProvingDocuments(ledgerFixture().read()), ...other])).to.throw('one run');
    expect(() => reportSetOf([])).to.throw();
  });
});
