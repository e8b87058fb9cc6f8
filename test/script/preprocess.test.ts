import { describe, expect, it } from 'vitest'
import { Diagnostics } from '../../src/script/diagnostic.ts'
import { flatten, memoryReader, preprocess } from '../../src/script/preprocess.ts'

function read(files: Record<string, string>, path = 'main.cfg') {
  const diagnostics = new Diagnostics()
  const { tokens, sources } = preprocess(path, memoryReader(files), diagnostics)
  return {
    tokens: tokens.slice(0, -1).map(token => `${token.place.file}:${token.place.line}:${token.text}`),
    sources: sources.map(source => source.name),
    findings: diagnostics.list.map(({ severity, file, line, message }) => `${severity} ${file}:${line} ${message}`),
  }
}

describe('preprocess', () => {
  it('puts an included file in place and keeps where each token comes from', () => {
    const files = {
      'main.cfg': 'a\ninclude_file "b.cfg"\nc',
      'b.cfg': "x\n  import_file 'd.cfg' ignored\ny",
      'd.cfg': 'z',
    }
    expect(read(files)).toEqual({
      tokens: ['main.cfg:1:a', 'b.cfg:1:x', 'd.cfg:1:z', 'b.cfg:3:y', 'main.cfg:3:c'],
      sources: ['main.cfg', 'b.cfg', 'd.cfg'],
      findings: [],
    })
  })

  it('looks in the working directory first, then beside the including file', () => {
    const files = {
      'conf/main.cfg': 'include_file "a.cfg"\ninclude_file "b.cfg"',
      'a.cfg': 'here',
      'conf/a.cfg': 'there',
      'conf/b.cfg': 'beside',
    }
    expect(read(files, 'conf/main.cfg').tokens).toEqual(['a.cfg:1:here', 'conf/b.cfg:1:beside'])
  })

  it('takes a missing include for an error and a missing import for a warning', () => {
    expect(read({ 'main.cfg': 'include_file "x"\nimport_file "y"' }).findings).toEqual([
      'error main.cfg:1 cannot read the included file "x"',
      'warning main.cfg:2 cannot read the included file "y"',
    ])
  })

  it('stops a file that includes itself', () => {
    const { findings } = read({ 'main.cfg': 'include_file "main.cfg"' })
    expect(findings).toEqual(['error main.cfg:1 files are included 50 levels deep: is "main.cfg" including itself?'])
  })

  it('reports a script that cannot be read', () => {
    expect(read({}).findings).toEqual(['error main.cfg:0 cannot read the script "main.cfg"'])
  })

  it('reads standard input for -', () => {
    expect(read({ '-': 'a' }, '-').tokens).toEqual(['-:1:a'])
  })

  it('flattens to one text for a macro processor', () => {
    const files = memoryReader({ 'main.cfg': 'a\n include_file "b.cfg" rest\nc\n', 'b.cfg': 'x\n' })
    expect(flatten('main.cfg', files, new Diagnostics())).toBe('a\n x\n\nc\n')
    expect(flatten('none.cfg', files, new Diagnostics())).toBeUndefined()
  })
})
