import { describe, expect, it } from 'vitest'
import { MAX_DEPTH, parseXml } from '../../../src/modules/xml/parse-xml.ts'
import { writeXml } from '../../../src/modules/xml/xml-node.ts'
import { scriptProxy } from '../../support/script-proxy.ts'

/** What the script leaves in `$var(r)`; `$rb` is the document. */
async function run(route: string, body = SAMPLE, params = '') {
  const proxy = await scriptProxy({
    top: `loadmodule "xml.so"\n${params}`,
    route: `$xml(d) = $rb; $var(rc) = $rc;\n${route}\nxlog("«$var(r)»\\n"); sl_send_reply(299, "done");`,
  })
  await proxy.ask({ body })
  return { ...proxy, result: proxy.told()[0] }
}

const SAMPLE = `<?xml version="1.0"?><!-- list -->
<list version="2"><name>B &amp; <![CDATA[<C>]]></name><item id="a">one</item><item id="b"><sub/>two</item></list>`

describe('$xml', () => {
  it.each([
    [
      'the document',
      '$xml(d)',
      '<list version="2"><name>B &amp; &lt;C&gt;</name><item id="a">one</item><item id="b"><sub/>two</item></list>',
    ],
    ['an element', '$xml(d/list/item[1])', '<item id="b"><sub/>two</item>'],
    ['its text', '$xml(d/list/item.val)', 'one'],
    ['text with entities', '$xml(d/list/name.val)', 'B & <C>'],
    ['an attribute', '$xml(d/list.attr/version)', '2'],
    ['an attribute that is not there', '$xml(d/list.attr/none)', '<null>'],
    ['an element that is not there', '$xml(d/list/item[2])', '<null>'],
    ['another root', '$xml(d/other/item)', '<null>'],
    ['another document', '$xml(other)', '<null>'],
  ])('reads %s', async (_, variable, expected) => {
    expect((await run(`$var(r) = "${variable}";`)).result).toBe(expected)
  })

  it('takes variables as names and indexes', async () => {
    const { result } = await run(
      '$var(n) = "item"; $var(i) = 1; $var(a) = "id"; $var(r) = $xml(d/list/$var(n)[$var(i)].attr/$var(a));',
    )
    expect(result).toBe('b')
  })

  it('changes texts and attributes, adds and removes elements', async () => {
    const { result } = await run(`
      $xml(d/list/name.val) = "<&>"; $xml(d/list/item.attr/id) = "x\\"y"; $xml(d/list.attr/version) = NULL;
      $xml(d/list/item[1]) = NULL; $xml(d/list) = "<new a='1'/>"; $xml(d/list/new.val) = "t"; $var(r) = $xml(d);`)
    expect(result).toBe('<list><name>&lt;&amp;&gt;</name><item id="x&quot;y">one</item><new a="1">t</new></list>')
    expect((await run('$xml(d) = NULL; $var(r) = "$xml(d)";')).result).toBe('<null>')
  })

  it('writing where there is no place, or what is no XML, gives −1 and changes nothing', async () => {
    const { result } = await run(`$xml(d/list/none.val) = "x"; $var(a) = $rc; $xml(d) = "<open>"; $var(b) = $rc;
      $xml(d/list) = "text"; $var(c) = $rc; $var(r) = "$var(a) $var(b) $var(c) $xml(d/list/item.val)";`)
    expect(result).toBe('-1 -1 -1 one')
  })
})

describe('hostile texts', () => {
  it.each([
    ['entities that grow', '<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><l>&b;</l>'],
    ['an entity that is a file', '<!DOCTYPE l [<!ENTITY f SYSTEM "file:///etc/passwd">]><l>&f;</l>'],
    ['an entity that nobody defines', '<l>&bomb;</l>'],
    ['nesting without end', '<a>'.repeat(3000)],
    ['no end tag', '<a><b></a>'],
    ['two roots', '<a/><b/>'],
    ['an attribute twice', '<a x="1" x="2"/>'],
    ['a comment without end', '<a><!-- '],
    ['nothing but text', 'text'],
    ['a character that is none', '<a>&#xD800;</a>'],
  ])('−1: %s', async (_, body) => {
    const { result, logged } = await run('$var(r) = "$var(rc) $xml(d)";', body)
    expect(result).toBe('-1 <null>')
    expect(logged('a text is no XML')).toBe(1)
  })

  it('a text beyond max_text_size is not read', async () => {
    const { result } = await run(
      '$var(r) = "$var(rc)";',
      `<a>${'x'.repeat(2000)}</a>`,
      'modparam("xml", "max_text_size", 1)',
    )
    expect(result).toBe('-1')
  })

  it('nesting up to the limit is read and written back', () => {
    const text = `${'<a>'.repeat(MAX_DEPTH)}x${'</a>'.repeat(MAX_DEPTH)}`
    expect(writeXml(parseXml(text))).toBe(text)
  })
})
