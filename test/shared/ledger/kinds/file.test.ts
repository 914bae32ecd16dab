import { fileKind } from '../../../../shared/ledger/kinds/file.ts';
import { A_DIGEST, B_DIGEST, judgesRows, readsParams } from './judge-rows.ts';

const path = 'cutter_agent/cli.py';
const file = { size: 10, mode: '0644', sha256: A_DIGEST };

describe('the judge of file', () => {
  judgesRows(
    fileKind,
    {
      'passes when a file is there': { params: { path }, seen: { path, is: 'file', file }, status: 'PASS' },
      'passes when the file has digest, mode and content': {
        params: { path, sha256: A_DIGEST, mode: '0644', contains: 'x' },
        seen: { path, is: 'file', file: { ...file, contains: true } },
        status: 'PASS',
      },
      'passes when nothing is where nothing must be': {
        params: { path, exists: false },
        seen: { path, is: 'nothing' },
        status: 'PASS',
      },
      'fails when the file is missing, whatever else was wanted of it': {
        params: { path, sha256: A_DIGEST, mode: '0644', contains: 'x' },
        seen: { path, is: 'nothing' },
        status: 'FAIL',
        unmet: [`"${path}" is`, 'sha256', 'mode', 'content'],
      },
      'fails on a symbolic link': {
        params: { path },
        seen: { path, is: 'symlink' },
        status: 'FAIL',
        unmet: [`"${path}" is`],
      },
      'fails behind a symbolic link, even where nothing must be': {
        params: { path, exists: false },
        seen: { path, is: 'beyond-link' },
        status: 'FAIL',
        unmet: [`"${path}" is`],
      },
      'fails on another digest': {
        params: { path, sha256: B_DIGEST },
        seen: { path, is: 'file', file },
        status: 'FAIL',
        unmet: ['sha256'],
      },
      'fails on another mode': {
        params: { path, mode: '0755' },
        seen: { path, is: 'file', file },
        status: 'FAIL',
        unmet: ['mode'],
      },
      'fails when the content was not looked for': {
        params: { path, contains: 'x' },
        seen: { path, is: 'file', file },
        status: 'FAIL',
        unmet: ['content'],
      },
      'fails when another path was looked at': {
        params: { path },
        seen: { path: 'other', is: 'file', file },
        status: 'FAIL',
        unmet: ['path'],
      },
    },
    10,
  );
});

describe('the parameters of file', () => {
  readsParams(fileKind, {
    good: [{ path }, { path, exists: false }, { path, mode: '0755', sha256: A_DIGEST, contains: 'x' }],
    bad: {
      'refuses to leave the tree': { path: '../secret' },
      'refuses to leave the tree from inside': { path: 'a/../../b' },
      'refuses an absolute path': { path: '/etc/passwd' },
      'refuses an empty segment': { path: 'a//b' },
      'refuses NUL': { path: 'a\0b' },
      'refuses a mode that YAML read as a number': { path, mode: 644 },
      'refuses content of a file that must not exist': { path, exists: false, contains: 'x' },
    },
    count: 7,
  });
});
