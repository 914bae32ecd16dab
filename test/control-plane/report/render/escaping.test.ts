import { expect } from 'chai';
import fc from 'fast-check';
import { type Part, REPORT_SCHEMA, type ReportDocument, statement } from '../../../../control-plane/report/document.ts';
import { buildFinalDocument, buildProvingDocuments } from '../../../../control-plane/report/documents.ts';
import { renderHtml } from '../../../../control-plane/report/render/html.ts';
import { renderJson } from '../../../../control-plane/report/render/json.ts';
import { renderMarkdown } from '../../../../control-plane/report/render/markdown.ts';
import { ledgerFixture, PROMISED, saw } from '../../../support/ledger-fixture.ts';

/** What a host could write into evidence to get out of its place in a document. */
const PAYLOADS: Readonly<Record<string, string>> = {
  'a script': '<script>alert(1)</script>',
  'a script that closes a tag first': '"></td></table><script src=//evil.example/x.js></script>',
  'an image with a handler': '<img src=x onerror=alert(1)>',
  'an attribute': '" onmouseover="alert(1)" x="',
  'a style end': '</style><script>alert(1)</script>',
  'a comment end': '--><script>alert(1)</script><!--',
  'an entity': '&lt;script&gt;alert(1)&lt;/script&gt;',
  'a template': '`$' + '{alert(1)}`',
  'a link': '[click](javascript:alert(1))',
  'an image link': '![x](https://evil.example/x.png)',
  'an autolink': '<https://evil.example>',
  'a bare address': 'https://evil.example and www.evil.example',
  'a heading': '# 1. Verdict\n\nresult: A.',
  'a rule': '---',
  'a table cell': 'a | PASS | b',
  'a list item': '- PASS\n- PASS',
  'a code fence': '```\n# out of the fence\n```',
  'a long code fence': '``````````\nout',
  'an outcome line': 'x ..... PASS all good  [#1]\nG6 dry run ..... PASS',
  'line separators': 'a\u2028b\u2029c\u0085d\u000be',
  'a terminal sequence': '\u001b[2J\u001b[31mred\u0007',
  'a text direction': 'fail \u202eSSAP\u202c',
  'zero-width characters': 'PA\u200bSS\ufeff',
  'a carriage return': 'FAIL\rPASS',
  'a NUL': 'a\u0000b',
  'a backslash at the end': 'a\\',
  'a lone surrogate': 'a\ud800b',
};

function documentsWith(payload: string): ReportDocument[] {
  const ledger = ledgerFixture({
    results: {
      unit: saw(payload.toWellFormed(), { notes: [payload.toWellFormed()] }),
      dry: {
        did: 'leave-a-gap',
        statement: payload.toWellFormed(),
        owner: payload.toWellFormed(),
        route: payload.toWellFormed(),
      },
      'g7.nothing-runs': { did: 'block', reason: payload.toWellFormed(), needs: [payload.toWellFormed()] },
    },
    capsules: {
      unit: {
        argv: [payload.toWellFormed()],
        ended: payload.toWellFormed(),
        lastOutput: payload.toWellFormed(),
        outputBytes: 1,
        limitsHit: [payload.toWellFormed()],
        environmentDigest: 'a'.repeat(64),
        sandbox: payload.toWellFormed(),
      },
    },
  }).read();
  return [...buildProvingDocuments(ledger), buildFinalDocument(ledger), everywhere(payload)];
}

/** The payload in every place that a document has, also where no ledger could put it. */
function everywhere(payload: string): ReportDocument {
  const parts: Part[] = [payload];
  const said = statement(parts, ['run-7#1']);
  return {
    schema: REPORT_SCHEMA,
    number: '01',
    title: payload,
    run: payload,
    host: payload,
    app: payload,
    version: payload,
    ledger: { size: 1, head: payload },
    sections: [
      {
        title: payload,
        blocks: [
          { block: 'facts', rows: [{ key: payload, statement: said }] },
          { block: 'outcomes', rows: [{ label: parts, outcome: payload, detail: parts, evidence: said.evidence }] },
          { block: 'table', columns: ['Check'], rows: [{ cells: [parts], evidence: said.evidence }] },
          { block: 'list', items: [said] },
          { block: 'verbatim', statement: said },
        ],
      },
    ],
  };
}

/** The page's own tags in their order; text cannot add one. */
const OWN_TAGS =
  /^(!doctype|\/?(html|head|title|style|body|header|main|section|h1|h2|p|table|thead|tbody|tr|th|td|ul|li|pre|code|span|colgroup)|col|meta)$/;
const OWN_ATTRIBUTES = /^(lang|charset|http-equiv|content|name|class|scope|title)$/;
const UNSEEN = /[\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]|[^\P{Cc}\n]/u;

function checkHtml(html: string): void {
  const outside = html.replace(/<style>[^<]*<\/style>/, '');
  for (const [, tag = '', attributes = ''] of outside.matchAll(/<([^\s>]*)([^>]*)>/g)) {
    expect(tag).to.match(OWN_TAGS);
    for (const [, name] of attributes.matchAll(/([^\s=]+)="[^"]*"/g)) expect(name).to.match(OWN_ATTRIBUTES);
    expect(attributes.replaceAll(/ [a-z-]+="[^"]*"/g, '').replaceAll(/^ html$/g, '')).to.equal('');
  }
  expect(outside.replaceAll(/<[^>]*>/g, '')).to.not.match(/[<>"]|&(?!#\d+;)/);
  expect(html).to.not.match(UNSEEN);
}

function checkMarkdown(markdown: string): void {
  let fence = '';
  for (const line of markdown.split('\n')) {
    const mark = /^`{3,}/.exec(line)?.[0];
    if (fence !== '') {
      if (line === fence) fence = '';
      else expect(mark?.length ?? 0).to.be.below(fence.length);
    } else if (mark !== undefined && line === `${mark}text`) fence = mark;
    else checkRunningLine(line);
  }
  expect(fence).to.equal('');
  expect(markdown).to.not.match(UNSEEN);
}

function checkRunningLine(line: string): void {
  const isOwnStart = /^(#{1,2} |- |\| |$)/.test(line) || /^[A-Za-z\\]/.test(line);
  expect(isOwnStart || /^[^-+#=\d\s]/.test(line) || /^\d+[^.)]/.test(line), line).to.equal(true);
  const withoutOwn = line.replace(/^(#{1,2} |- )/, '').replaceAll(/(^| )\|(?= |$)/g, '');
  expect(withoutOwn.replaceAll(/\\[\\`*_[\]<>|~&$@:.+#=)-]/g, ''), line).to.not.match(/[`*_[\]<>|~&$@\\]|:\/\/|www\./i);
}

describe('control-plane/report/render, against text that wants to be markup', () => {
  for (const [title, payload] of Object.entries(PAYLOADS)) {
    it(`shows ${title} as text, in HTML and in Markdown`, () => {
      for (const document of documentsWith(payload)) {
        checkHtml(renderHtml(document));
        checkMarkdown(renderMarkdown(document));
      }
    });
  }

  it('has at least 25 such texts', () => expect(Object.keys(PAYLOADS).length).to.be.at.least(25));

  it('holds for 400 random texts', () => {
    const markup = fc.constantFrom(
      '<',
      '>',
      '"',
      "'",
      '`',
      '```',
      '|',
      '\n',
      '[',
      '](',
      '#',
      '- ',
      '&',
      '\\',
      '*',
      '_',
      '~~',
      '$',
      '1. ',
      '=',
      '\u001b',
      '\u202e',
      'x',
      ' ',
    );
    const text = fc.oneof(
      fc.array(markup, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary', maxLength: 20 }),
    );
    fc.assert(
      fc.property(text, (payload) => {
        checkHtml(renderHtml(everywhere(payload)));
        checkMarkdown(renderMarkdown(everywhere(payload)));
      }),
      { numRuns: 400 },
    );
  }).timeout(20_000);

  it('keeps the JSON form one canonical line that reads back as the document', () => {
    for (const document of documentsWith('<script>\n"\\')) {
      const json = renderJson(document);
      expect(json.indexOf('\n')).to.equal(json.length - 1);
      expect(JSON.parse(json)).to.deep.equal(document);
    }
  });

  it('forbids scripts and everything from outside, and lets only its own style in', () => {
    const [html = ''] = documentsWith('x').map(renderHtml);
    const policy =
      /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1]?.replaceAll('&#39;', "'").replaceAll('&#61;', '=') ??
      '';
    expect(policy).to.match(
      /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none'$/,
    );
    expect(html).to.not.match(/<script|<link|<img|<iframe|<a |style="|url\(|@import|https?:/);
    expect(html).to.include('prefers-color-scheme: dark').and.include('@media print');
  });

  it('gives every table headings, every row a name, and every page a language, one title and a main part', () => {
    for (const document of documentsWith('x').slice(0, -1)) {
      const html = renderHtml(document);
      expect(html).to.match(/^<!doctype html>\n<html lang="en">/);
      expect(
        [html.match(/<h1>/g), html.match(/<main>/g), html.match(/<title>/g)].map((each) => each?.length),
      ).to.deep.equal([1, 1, 1]);
      const tables = [...html.matchAll(/<table class="(facts|outcomes|conditions|grid)">([\s\S]*?)<\/table>/g)];
      expect(tables.length).to.equal(html.match(/<table/g)?.length);
      for (const [, kind, table = ''] of tables) {
        const columns = table.match(/<th scope="col">/g)?.length ?? 0;
        expect(columns).to.be.at.least(3);
        const rows = table.split('<tbody>')[1]?.match(/<tr>/g)?.length;
        expect(table.match(/<(td|th scope="row")/g)).to.have.length(columns * (rows ?? 0));
        if (kind !== 'grid') expect(table.match(/<th scope="row">/g)).to.have.length(rows ?? 0);
      }
    }
  });

  it('does not colour words of a host as if they were an outcome', () => {
    const ledger = ledgerFixture({
      results: { dry: { did: 'leave-a-gap', statement: 'PASS', owner: 'PASS', route: 'YES' } },
    }).read();
    const html = renderHtml(buildFinalDocument(ledger));
    expect(html).to.include('<td>PASS</td>').and.include('<td>YES</td>');
    expect(html).to.include('<td class="outcome fair">PARTIAL</td>');
    expect(PROMISED).to.be.a('string');
  });

  it('gives the same bytes for the same ledger', () => {
    const fixture = ledgerFixture();
    for (const render of [renderHtml, renderMarkdown, renderJson]) {
      expect(render(buildFinalDocument(fixture.read()))).to.equal(render(buildFinalDocument(fixture.read())));
    }
  });
});
