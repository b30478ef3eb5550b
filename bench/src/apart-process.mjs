// The other side of apart().
const [module, name, options] = process.argv.slice(2)
const sent = []
const report = Object.fromEntries(
  ['figure', 'measured', 'series', 'notRun'].map((method) => [
    method,
    (...given) => sent.push(new Promise((resolve) => process.send([method, ...given], resolve))),
  ]),
)
const work = (await import(module))[name]
await work({ ...JSON.parse(options), report })
await Promise.all(sent)
process.exit()
