// Until the app listens, whatever fails ends the process, in one line: a stack would tell its operator nothing.
process.once('uncaughtException', cannotStart)

/** Listens on PORT until a signal comes; the requests that are being answered then get a second to end in. */
export async function serve(app) {
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      // A client that never finishes its request must not keep the process.
      setTimeout(() => app.server.closeAllConnections(), 1_000).unref()
      app.close()
    })
  }
  console.log(`listening on ${await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })}`)
  process.off('uncaughtException', cannotStart)
}

function cannotStart(error) {
  console.error(`cannot start: ${error.message}`)
  process.exit(1)
}
