//! Charts as SVG: lines with marks, and heat maps.
//!
//! Colours are those of the light theme; the page's style sheet exchanges them by value for the dark one.

use std::io;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::Error;
use super::axis::Axis;

/// Text and cell borders.
pub(super) const INK: RGBColor = RGBColor(0x1f, 0x23, 0x28);
pub(super) const GRID: RGBColor = RGBColor(0xd0, 0xd7, 0xde);
pub(super) const AXIS: RGBColor = RGBColor(0x65, 0x6d, 0x76);
/// One for each series, in order; each has a mark of its own, so that nothing depends on colour.
pub(super) const COLOURS: [RGBColor; 6] = [
    RGBColor(0x05, 0x50, 0xae),
    RGBColor(0x95, 0x38, 0x00),
    RGBColor(0x11, 0x63, 0x29),
    RGBColor(0x82, 0x50, 0xdf),
    RGBColor(0xa4, 0x0e, 0x26),
    RGBColor(0x57, 0x60, 0x6a),
];
const GLYPHS: [&str; 6] = ["●", "▲", "■", "◆", "✕", "○"];
/// 13 px: the SVG backend divides by 1.24.
const FONT: (&str, f64) = ("sans-serif", 16.5);
/// A line of more points shows no marks.
const MARKED: usize = 60;
/// A line of more points is thinned: no screen and no paper shows more.
const DRAWN: usize = 600;
/// The series whose colour a disturbed span has.
const SPAN: usize = 4;
const WIDTH: u32 = 480;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Drawn = Result<(), DrawingAreaErrorKind<io::Error>>;

/// One line of a chart.
pub(super) struct PlotLine {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
    /// Whether the points are joined.
    pub(super) joined: bool,
    /// Which colour and mark it has.
    pub(super) style: usize,
}

/// What tells one line from another, beside the chart.
#[derive(Debug, serde::Serialize)]
pub(super) struct Legend {
    style: usize,
    glyph: &'static str,
    name: String,
}

impl Legend {
    /// What has this mark.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it tells what a style means.
    pub(super) fn is_of(&self, style: usize) -> bool {
        self.style == style
    }
}

pub(super) fn legend(lines: &[PlotLine]) -> Vec<Legend> {
    lines.iter().map(|line| key(line.style, line.name.clone())).collect()
}

pub(super) fn key(style: usize, name: String) -> Legend {
    Legend { style: style % GLYPHS.len(), glyph: glyph(style), name }
}

/// The mark of a style as a character.
pub(super) fn glyph(style: usize) -> &'static str {
    GLYPHS[style % GLYPHS.len()]
}

/// The key of a bar from end to end of an interval.
pub(super) fn bar_key(style: usize, name: String) -> Legend {
    Legend { style, glyph: "━", name }
}

/// The key of the spans that were disturbed.
pub(super) fn span_key(name: String) -> Legend {
    Legend { style: SPAN, glyph: "▒", name }
}

/// Draws into a text.
pub(super) fn svg(height: u32, draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String, Error> {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        draw(&root).and_then(|()| root.present()).map_err(|error| Error::Chart(error.to_string()))?;
    }
    Ok(text)
}

pub(super) fn font() -> TextStyle<'static> {
    FONT.into_font().color(&INK)
}

/// A text beside a point.
pub(super) struct Tag {
    pub(super) at: (f64, f64),
    pub(super) text: String,
}

/// Lines over two axes.
pub(super) fn lines(
    x: &Axis,
    y: &Axis,
    lines: &[PlotLine],
    spans: &[Range<f64>],
    tags: &[Tag],
) -> Result<String, Error> {
    svg(300, |root| {
        root.draw(&Text::new(y.title.clone(), (8, 6), font()))?;
        let mut chart = ChartBuilder::on(root)
            .margin_top(28)
            .margin_right(34)
            .x_label_area_size(46)
            .y_label_area_size(92)
            .build_cartesian_2d(x.clone(), y.clone())?;
        chart
            .configure_mesh()
            .label_style(font())
            .axis_desc_style(font())
            .x_desc(x.title.clone())
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(AXIS)
            .x_label_formatter(&|at| x.label(*at))
            .y_label_formatter(&|at| y.label(*at))
            .draw()?;
        for span in spans {
            let corners = [(x.place(span.start), y.low), (x.place(span.end), y.high)];
            // Light enough for the line and the grid below it.
            chart.plotting_area().draw(&Rectangle::new(corners, COLOURS[SPAN].mix(0.18).filled()))?;
        }
        for line in lines {
            let colour = COLOURS[line.style % COLOURS.len()];
            let points = if line.joined { thinned(&line.points) } else { line.points.clone() };
            let placed: Vec<(f64, f64)> = points.iter().map(|point| (x.place(point.0), y.place(point.1))).collect();
            if line.joined {
                chart.draw_series(LineSeries::new(placed.iter().copied(), colour.stroke_width(2)))?;
            }
            let area = chart.plotting_area();
            // Marks of many points would be a band.
            let marked = if line.joined && placed.len() > MARKED { &[] } else { placed.as_slice() };
            for &point in marked {
                draw_mark(area, line.style, point)?;
            }
        }
        for Tag { at, text } in tags {
            let at = (x.place(at.0), y.place(at.1));
            let area = chart.plotting_area();
            area.draw(&(EmptyElement::at(at) + Text::new(text.clone(), (-8, -20), font())))?;
        }
        Ok(())
    })
}

/// Of many points the least and the most of each stretch, so that no peak is lost.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= DRAWN {
        return points.to_vec();
    }
    let stretch = points.len().div_ceil(DRAWN / 2);
    let ends = |part: &[(f64, f64)]| {
        let least = (0..part.len()).min_by(|a, b| part[*a].1.total_cmp(&part[*b].1)).unwrap_or(0);
        let most = (0..part.len()).max_by(|a, b| part[*a].1.total_cmp(&part[*b].1)).unwrap_or(0);
        [part[least.min(most)], part[least.max(most)]]
    };
    points.chunks(stretch).flat_map(ends).collect()
}

/// The mark of a series at a point.
pub(super) fn draw_mark<Y>(
    area: &DrawingArea<SVGBackend<'_>, Cartesian2d<Axis, Y>>,
    style: usize,
    at: (f64, f64),
) -> Drawn
where
    Y: Ranged<ValueType = f64>,
{
    let style = style % COLOURS.len();
    let fill = COLOURS[style].filled();
    match style {
        0 => area.draw(&Circle::new(at, 4, fill)),
        1 => area.draw(&TriangleMarker::new(at, 6, fill)),
        2 => area.draw(&(EmptyElement::at(at) + Rectangle::new([(-4, -4), (4, 4)], fill))),
        3 => area.draw(&(EmptyElement::at(at) + Polygon::new(vec![(0, -6), (6, 0), (0, 6), (-6, 0)], fill))),
        4 => area.draw(&Cross::new(at, 4, COLOURS[style].stroke_width(2))),
        _ => area.draw(&Circle::new(at, 4, COLOURS[style].stroke_width(2))),
    }
}

/// A grid of cells: the more of the value, the fuller the colour; the values stand in the cells where they have room.
pub(super) fn heat(
    rows: &[String],
    columns: &[String],
    cell: impl Fn(usize, usize) -> Option<(f64, String)>,
) -> Result<String, Error> {
    const LEFT: i32 = 60;
    const TOP: i32 = 44;
    /// Wider grids have no room for text in their cells.
    const READABLE: usize = 6;
    let (across, down) = (columns.len().max(1), rows.len().max(1));
    let side = |count: usize, room: i32| room / i32::try_from(count).unwrap_or(i32::MAX).max(1);
    let wide = side(across, 480 - LEFT - 8).min(140);
    let high = wide.min(48);
    let at = |index: usize, step: i32| i32::try_from(index).unwrap_or(0) * step;
    let height = TOP + at(down, high) + 8;
    let most = (0..down)
        .flat_map(|row| (0..across).map(move |column| (row, column)))
        .filter_map(|(row, column)| cell(row, column))
        .fold(0.0_f64, |most, (value, _)| most.max(value));
    svg(u32::try_from(height).unwrap_or(300), |root| {
        root.draw(&Text::new("to node →", (LEFT, 6), font()))?;
        root.draw(&Text::new("from ↓", (4, 24), font()))?;
        for (column, name) in columns.iter().enumerate() {
            root.draw(&Text::new(name.clone(), (LEFT + at(column, wide) + 4, 24), font()))?;
        }
        for (row, name) in rows.iter().enumerate() {
            let top = TOP + at(row, high);
            root.draw(&Text::new(name.clone(), (LEFT - 24, top + high / 2 - 6), font()))?;
            for column in 0..across {
                let left = LEFT + at(column, wide);
                let corners = [(left, top), (left + wide - 2, top + high - 2)];
                let Some((value, text)) = cell(row, column) else { continue };
                // At most 0.4, so that the text on it keeps its contrast in both themes.
                let depth = if most > 0.0 { 0.05 + 0.35 * value / most } else { 0.05 };
                root.draw(&Rectangle::new(corners, COLOURS[0].mix(depth).filled()))?;
                root.draw(&Rectangle::new(corners, GRID))?;
                if across <= READABLE {
                    root.draw(&Text::new(text, (left + 6, top + high / 2 - 6), font()))?;
                }
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_points_keep_their_peaks() {
        let points: Vec<(f64, f64)> = (0..10_000).map(|n| (f64::from(n), if n == 4321 { 9.0 } else { 1.0 })).collect();
        let thin = thinned(&points);
        assert!(thin.len() <= DRAWN && thin.contains(&(4321.0, 9.0)), "{}", thin.len());
        assert!(thin.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        assert_eq!(thinned(&points[..DRAWN]), points[..DRAWN]);
    }
}
