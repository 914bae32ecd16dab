import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { gitSink } from '../../../../control-plane/report/sinks/git.ts';
import { publish, type ReportSet } from '../../../../control-plane/report/sinks/sink.ts';
import { sha256 } from '../../../../shared/digest.ts';

const AUTHOR = { name: 'Keyturn', email: 'keyturn@example.org' };

function setOf(text: string, run = 'run-7'): ReportSet {
  const content = Buffer.from(text);
  const file = { name: '08-final-report.md', mediaType: 'text/markdown', content, sha256: sha256(content) };
  return { app: 'iu-cutter', version: '0.6', run, host: 'devhost-1', files: [file] };
}

describe('control-plane/report/sinks/git', () => {
  let repository: string;
  const git = (...argv: string[]) =>
    execFileSync('git', ['-C', repository, ...argv], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  const sink = () => gitSink({ repository, folder: 'reports', author: AUTHOR });

  beforeEach(() => {
    repository = mkdtempSync(join(tmpdir(), 'keyturn-git-sink-'));
    git('init', '--quiet', '--initial-branch=main');
  });
  afterEach(() => rmSync(repository, { recursive: true, force: true }));

  it('commits a set under the name of its run', async () => {
    await sink().take(setOf('A'));
    expect(git('log', '--format=%an <%ae> %s')).to.equal(
      'Keyturn <keyturn@example.org> reports: add iu-cutter 0.6, run run-7 on devhost-1',
    );
    expect(git('show', 'HEAD:reports/iu-cutter-0.6/run-7/08-final-report.md')).to.equal('A');
    expect(git('status', '--porcelain')).to.equal('');
  });

  it('makes no second commit of the same set', async () => {
    await sink().take(setOf('A'));
    await sink().take(setOf('A'));
    expect(git('rev-list', '--count', 'HEAD')).to.equal('1');
    await sink().take(setOf('B', 'run-8'));
    expect(git('rev-list', '--count', 'HEAD')).to.equal('2');
  });

  it('leaves what somebody else has staged or changed out of its commit', async () => {
    await sink().take(setOf('A'));
    writeFileSync(join(repository, 'staged.txt'), 'mine');
    git('add', 'staged.txt');
    writeFileSync(join(repository, 'loose.txt'), 'mine too');
    await sink().take(setOf('B', 'run-8'));
    expect(git('show', '--name-only', '--format=', 'HEAD')).to.equal('reports/iu-cutter-0.6/run-8/08-final-report.md');
    expect(git('status', '--porcelain').split('\n')).to.have.members(['A  staged.txt', '?? loose.txt']);
  });

  it('commits although the repository ignores such files, and keeps bytes as they are', async () => {
    writeFileSync(join(repository, '.gitignore'), '*.md\n');
    writeFileSync(join(repository, '.gitattributes'), '* -text\n');
    await sink().take(setOf('a\r\nb\n'));
    expect(
      execFileSync('git', ['-C', repository, 'show', 'HEAD:reports/iu-cutter-0.6/run-7/08-final-report.md']).toString(),
    ).to.equal('a\r\nb\n');
  });

  it('runs no hook of the repository', async () => {
    writeFileSync(
      join(repository, '.git', 'hooks', 'pre-commit'),
      `#!/bin/sh\ntouch ${join(repository, 'hook-ran')}\nexit 1\n`,
      { mode: 0o755 },
    );
    await sink().take(setOf('A'));
    expect(git('rev-list', '--count', 'HEAD')).to.equal('1');
    expect(() => readFileSync(join(repository, 'hook-ran'))).to.throw('ENOENT');
  });

  it('gives a receipt with a reason where there is no repository', async () => {
    rmSync(join(repository, '.git'), { recursive: true });
    const [receipt] = await publish(setOf('A'), [sink()]);
    expect(receipt).to.deep.include({ kind: 'git', ok: false, location: repository });
    expect(receipt?.reason).to.include('is no git working tree');
  });

  it('finishes what was cut off between writing and committing', async () => {
    await sink().take(setOf('A'));
    writeFileSync(join(repository, 'reports/iu-cutter-0.6/run-7/08-final-report.md'), 'B');
    git('add', '--all');
    await sink().take(setOf('B'));
    expect(git('show', 'HEAD:reports/iu-cutter-0.6/run-7/08-final-report.md')).to.equal('B');
    expect(git('rev-list', '--count', 'HEAD')).to.equal('2');
  });
});
