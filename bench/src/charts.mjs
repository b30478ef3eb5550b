import { BarChart, LineChart } from 'echarts/charts'
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { inDigits } from './digits.mjs'

use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer])

const WIDTH = 760
const BAR_HEIGHT = 34
const LINE_HEIGHT = 320
const HEAD_HEIGHT = 76
const PADDING = 24
// Without quotes, which echarts would put into an attribute as they are.
const FONT = 'system-ui, -apple-system, Helvetica, Arial, sans-serif'
const INK = '#1f2328'
const FAINT = '#59636e'
const GRID = '#e4e8ec'
const OURS = '#0b7285'
const PEERS = '#adb5bd'
const LINES = [OURS, '#e8590c', '#6741d9', '#2f9e44', '#adb5bd']

/** Bars beside their values, in the order they were given. What is ours, by its name, is coloured; all, where no peer is. */
export function barChart({ group, unit, values }) {
  const contenders = Object.keys(values)
  const isOurs = (name) => /rescind|guarded/i.test(name)
  const allOurs = !contenders.some(isOurs)
  const labelWidth = Math.min(320, Math.max(...contenders.map((name) => 7.5 * name.length)))
  return render(HEAD_HEIGHT + contenders.length * BAR_HEIGHT + PADDING, {
    title: title(group, unit),
    grid: { left: PADDING + labelWidth + 10, right: PADDING + 70, top: HEAD_HEIGHT, bottom: PADDING },
    xAxis: { type: 'value', min: 0, show: false },
    yAxis: {
      type: 'category',
      inverse: true,
      data: contenders,
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { color: INK, fontSize: 13, width: labelWidth, overflow: 'truncate', margin: 10 },
    },
    series: [
      {
        type: 'bar',
        barWidth: 20,
        data: contenders.map((name) => ({
          value: values[name],
          itemStyle: { color: allOurs || isOurs(name) ? OURS : PEERS, borderRadius: [0, 4, 4, 0] },
        })),
        label: { show: true, position: 'right', color: INK, fontSize: 13, formatter: ({ value }) => inDigits(value) },
      },
    ],
  })
}

/** Lines over one axis of numbers. */
export function lineChart({ name, unit, xUnit, x, y }) {
  return render(LINE_HEIGHT + HEAD_HEIGHT, {
    title: title(name, unit),
    legend: { bottom: 16, textStyle: { color: INK, fontSize: 13 }, icon: 'roundRect', itemHeight: 4 },
    grid: { left: PADDING + 56, right: PADDING + 16, top: HEAD_HEIGHT + 4, bottom: 84 },
    xAxis: {
      type: 'value',
      min: 'dataMin',
      max: 'dataMax',
      name: xUnit,
      nameLocation: 'middle',
      nameGap: 28,
      nameTextStyle: { color: FAINT, fontSize: 12 },
      axisLine: { lineStyle: { color: FAINT } },
      axisLabel: { color: FAINT, fontSize: 12 },
      splitLine: { show: false },
    },
    yAxis: {
      type: 'value',
      min: 0,
      axisLabel: { color: FAINT, fontSize: 12 },
      splitLine: { lineStyle: { color: GRID } },
    },
    series: Object.entries(y).map(([line, values], index) => ({
      type: 'line',
      name: line,
      showSymbol: false,
      lineStyle: { width: 2 },
      itemStyle: { color: LINES[index % LINES.length] },
      data: values.map((value, at) => [x[at], value]),
    })),
  })
}

function title(text, unit) {
  return {
    text,
    subtext: unit,
    left: PADDING,
    top: 18,
    itemGap: 6,
    textStyle: { color: INK, fontSize: 17, fontWeight: 600 },
    subtextStyle: { color: FAINT, fontSize: 13 },
  }
}

function render(height, option) {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  chart.setOption({ animation: false, textStyle: { fontFamily: FONT }, ...option })
  const svg = chart.renderToSVGString()
  chart.dispose()
  // A card of its own, so that it reads the same on a white page and on a dark one.
  const card = `<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="10" fill="#ffffff" stroke="#d1d9e0"/>`
  return `${svg.replace(/^(<svg[^>]*>)/, `$1\n${card}`)}\n`
}
