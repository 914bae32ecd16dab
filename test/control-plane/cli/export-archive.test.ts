/** The archive of a release, from a bundle and from the control plane: the bytes that were signed, or no file. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { exportArchive } from '../../../control-plane/cli/export-archive.ts';
import { openKtr, readKtrRelease } from '../../../shared/release/ktr.ts';
import type { ReleaseStatement } from '../../../shared/release/release-statement.ts';
import { APP, buildBundle, CommandWorld, documentOf, failureOf, filesBelow } from '../../support/command-line.ts';
import { codeOf } from '../../support/rejection-of.ts';

describe('keyturn release export', function () {
  this.timeout(20_000);
  let world: CommandWorld;
  let bundle: string;
  let statement: ReleaseStatement;
  before(async () => {
    world = await CommandWorld.started();
    bundle = await buildBundle(world.folder, '0.6');
    statement = (await readKtrRelease(await openKtr(bundle))).statement;
    const pushed = await world.json('release', 'push', bundle);
    expect(pushed.exitCode, pushed.stderr).to.equal(0);
  });
  after(() => world[Symbol.asyncDispose]());

  const digestOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

  for (const [from, nameOf] of [
    ['a bundle', () => bundle],
    ['the control plane', () => `${APP}@0.6`],
  ] as const) {
    it(`writes the archive whose digest the statement names, from ${from}`, async () => {
      const out = world.at(`from ${from}.tar.gz`);
      const ended = await world.json('release', 'export', nameOf(), '--out', out);
      expect(documentOf(ended)).to.deep.equal({
        path: out,
        sha256: statement.archive.sha256,
        bytes: statement.archive.size,
      });
      expect(digestOf(out)).to.equal(statement.archive.sha256);
    });
  }

  it('shows the same statement of both', async () => {
    const [ofBundle, published] = [
      await world.json('release', 'show', bundle),
      await world.json('release', 'show', `${APP}@0.6`),
    ];
    expect(documentOf(ofBundle)).to.deep.equal({ statement });
    expect(documentOf(published)).to.deep.equal({ statement });
    const text = (await world.keyturn('release', 'show', `${APP}@0.6`)).stdout;
    for (const part of ['commit', 'treeDigest'] as const) expect(text).to.include(statement[part]);
    expect(text).to.include(statement.archive.sha256);
  });

  it('refuses a release that nobody signed, with a hint where to look', async () => {
    const ended = await world.json('release', 'export', `${APP}@9.9`);
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'release-unknown']);
    expect(failureOf(ended).hint).to.include('keyturn release list');
  });

  it('writes no file from a bundle of which one byte of the archive was changed', async () => {
    const bytes = readFileSync(bundle);
    const archive = readFileSync(world.at('from a bundle.tar.gz'));
    const at = bytes.indexOf(archive.subarray(0, 64)) + 40;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const tampered = world.at('tampered.ktr');
    writeFileSync(tampered, bytes);
    const ended = await world.json('release', 'export', tampered, '--out', world.at('tampered.tar.gz'));
    expect([ended.exitCode, failureOf(ended).code]).to.deep.equal([77, 'blob-digest-differs']);
    expect(filesBelow(world.folder).filter((file) => file.includes('tampered.tar'))).to.deep.equal([]);
  });

  it('writes no file, and keeps the old one, when the control plane sends other bytes', async () => {
    const { sha256 } = statement.archive;
    const stored = join(world.home.controlPlane, 'content', 'blobs', sha256.slice(0, 2), sha256);
    const good = readFileSync(stored);
    const out = world.at('kept.tar.gz');
    writeFileSync(out, 'what was there');
    writeFileSync(stored, Buffer.alloc(good.length));
    try {
      const ended = await world.json('release', 'export', `${APP}@0.6`, '--out', out);
      expect(ended.exitCode).to.equal(77);
      expect(readFileSync(out, 'utf8')).to.equal('what was there');
      expect(filesBelow(world.folder).filter((file) => file.startsWith('kept.tar.gz'))).to.deep.equal(['kept.tar.gz']);
    } finally {
      writeFileSync(stored, good);
    }
  });

  const NAMES = ['../escaped.tar.gz', '/tmp/escaped.tar.gz', '.hidden', 'a/b.tar.gz', '', 'a\nb'];
  for (const name of NAMES) {
    it(`writes to no place that a bundle chose: ${JSON.stringify(name)}`, async () => {
      const evil = { ...statement, archive: { ...statement.archive, name } };
      const { client } = world.publisher('viewer');
      expect(await codeOf(exportArchive({ statement: evil, client }, undefined))).to.equal('archive-name-unsafe');
      const out = world.at('said.tar.gz');
      expect((await exportArchive({ statement: evil, client }, out)).path).to.equal(out);
    });
  }

  it('does not blame the control plane for a file that this machine cannot write', async () => {
    const ended = await world.json('release', 'export', `${APP}@0.6`, '--out', '/proc/keyturn-archive.tar.gz');
    expect(ended.exitCode).to.equal(69);
    expect(failureOf(ended).message).to.include('/proc/keyturn-archive.tar.gz');
    expect(failureOf(ended).hint).to.equal(undefined);
  });

  it('ends with 64 where the folder is not there', async () => {
    const out = world.at('nowhere', 'archive.tar.gz');
    const ended = await world.json('release', 'export', bundle, '--out', out);
    expect(ended.exitCode).to.equal(64);
    expect(failureOf(ended).message).to.include(out);
    expect(existsSync(world.at('nowhere'))).to.equal(false);
  });
});
