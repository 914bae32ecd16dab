import { expect } from 'chai';
import { anchorKind } from '../../../../shared/ledger/kinds/anchor.ts';
import { A_DIGEST, B_DIGEST, judgesRows, readsParams } from './judge-rows.ts';

const path = '/opt/dot/old';
const params = { paths: [path], reads: 3 };
const read = (digest: string, is = 'folder') => ({ is, digest });
const anchored = (reads: readonly object[], before?: string) => ({ anchors: [{ path, reads, before }] });
const unchanged = `anchor aaaaaaaa of "${path}" unchanged across 3 reads`;
const noDigest = `anchor of "${path}"`;

describe('the judge of anchor', () => {
  judgesRows(
    anchorKind,
    {
      'passes when all reads are alike': { params, seen: anchored(Array(3).fill(read(A_DIGEST))), status: 'PASS' },
      'passes when all reads are as before': {
        params,
        seen: anchored(Array(3).fill(read(A_DIGEST)), A_DIGEST),
        status: 'PASS',
      },
      'fails when the neighbour is not as before': {
        params,
        seen: anchored(Array(3).fill(read(B_DIGEST)), A_DIGEST),
        status: 'FAIL',
        unmet: [unchanged],
      },
      'fails when one read differs': {
        params,
        seen: anchored([read(A_DIGEST), read(B_DIGEST), read(A_DIGEST)]),
        status: 'FAIL',
        unmet: [unchanged],
      },
      'fails when a read is missing': {
        params,
        seen: anchored([read(A_DIGEST), read(A_DIGEST)]),
        status: 'FAIL',
        unmet: [unchanged],
      },
      'fails when the neighbour vanished between two reads': {
        params,
        seen: anchored([read(A_DIGEST), read(A_DIGEST), { is: 'missing' }]),
        status: 'FAIL',
        unmet: [unchanged],
      },
      'fails when the neighbour is missing': {
        params,
        seen: anchored(Array(3).fill({ is: 'missing' })),
        status: 'FAIL',
        unmet: [noDigest],
      },
      'fails when the neighbour vanished since': {
        params,
        seen: anchored(Array(3).fill({ is: 'missing' }), A_DIGEST),
        status: 'FAIL',
        unmet: [unchanged],
      },
      'fails when the neighbour is a device': {
        params,
        seen: anchored(Array(3).fill({ is: 'special' })),
        status: 'FAIL',
        unmet: [noDigest],
      },
      'fails when a neighbour of the plan was not read': {
        params,
        seen: { anchors: [] },
        status: 'FAIL',
        unmet: [noDigest],
      },
      'passes with a finding when the neighbour is a link': {
        params,
        seen: anchored(Array(3).fill(read(A_DIGEST, 'link'))),
        status: 'PASS',
        findings: ['anchor-is-a-link'],
      },
    },
    11,
  );

  it('says it in the words of the report', () => {
    const digest = 'be65de80'.padEnd(64, '0');
    const { expectations } = anchorKind.judge(params, {
      anchors: [{ path, reads: Array(3).fill({ is: 'folder', digest }) }],
    });
    expect(expectations[0]?.what).to.equal(`anchor be65de80 of "${path}" unchanged across 3 reads`);
  });
});

describe('the parameters of anchor', () => {
  readsParams(anchorKind, {
    good: [{ paths: ['/opt/dot/old'] }, { paths: ['/opt/dot/old', '/srv/x'], reads: 5 }],
    bad: {
      'refuses no path': { paths: [] },
      'refuses a relative path': { paths: ['old'] },
      'refuses a path with ".."': { paths: ['/opt/../etc'] },
      'refuses no read': { paths: ['/opt/dot/old'], reads: 0 },
      'refuses a field that nobody knows': { paths: ['/opt/dot/old'], cached: true },
    },
    count: 5,
  });
});
