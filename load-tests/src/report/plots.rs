//! Drawings, as SVG that takes its colours from the page: light, dark and
//! paper each have their own.

use plotters::prelude::*;

/// What plotters can write and the style sheet can replace: colours that
/// stand for a variable.
const VARIABLES: [(&str, &str); 4] = [
    ("#010101", "currentColor"),
    ("#020202", "var(--grid)"),
    ("#030303", "var(--panel)"),
    ("#040404", "var(--muted)"),
];
const TEXT: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);

/// Large enough to be read from the back row.
const FONT: (&str, u32) = ("sans-serif", 29);
const SIZE: (u32, u32) = (900, 460);
/// Room for the labels of the vertical axis, and right of the last tick.
const LEFT: u32 = 118;
const RIGHT: u32 = 46;

/// A colour of the style sheet: `--c0` … for servers, `--k0` … for kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// The server in this column.
    Server(u8),
    /// This kind of memory.
    Kind(u8),
}

impl Ink {
    fn sentinel(self) -> RGBColor {
        match self {
            Ink::Server(n) => RGBColor(16, n, 0),
            Ink::Kind(n) => RGBColor(17, n, 0),
        }
    }

    /// The style sheet's name for it.
    pub fn variable(self) -> String {
        match self {
            Ink::Server(n) => format!("var(--c{n})"),
            Ink::Kind(n) => format!("var(--k{n})"),
        }
    }
}

/// The colour of a server, by its name; strangers share the last.
pub fn ink(contender: &str) -> Ink {
    Ink::Server(match contender {
        "threads" => 0,
        "event-loop" => 1,
        "mailbox" => 2,
        "node" => 3,
        "axum" => 4,
        "bun" => 5,
        _ => 6,
    })
}

/// How an axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps.
    Linear,
    /// Equal factors.
    Logarithmic,
}

/// Curves over one axis.
#[derive(Clone, Debug)]
pub struct Lines {
    /// The horizontal axis.
    pub x: String,
    /// The vertical axis.
    pub y: String,
    /// How the vertical axis counts.
    pub scale: Scale,
    /// Each curve's colour and points.
    pub curves: Vec<(Ink, Vec<(f64, f64)>)>,
    /// What to write at some x instead of numbers.
    pub ticks: Vec<(f64, String)>,
}

/// Bars in groups, or stacked.
#[derive(Clone, Debug)]
pub struct Bars {
    /// The vertical axis.
    pub y: String,
    /// Each group's name and its bars; one that is not a number leaves its
    /// place empty.
    pub groups: Vec<(String, Vec<(Ink, f64)>)>,
    /// Whether a group's bars stand on each other.
    pub stacking: Stacking,
}

/// How the bars of a group stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stacking {
    /// Side by side.
    Beside,
    /// On each other.
    Stacked,
}

/// Draws curves. `None` if there are no points, or plotters cannot.
pub fn lines(plot: &Lines) -> Option<String> {
    let points = || plot.curves.iter().flat_map(|(_, points)| points);
    let low_x = points().map(|p| p.0).reduce(f64::min)?;
    let high_x = points().map(|p| p.0).reduce(f64::max)?;
    let high_y = points().map(|p| p.1).reduce(f64::max)?.max(1e-3);
    let x = low_x..high_x.max(low_x + 1e-9);
    match plot.scale {
        Scale::Linear => draw(plot, x, (0.0..high_y * 1.08).into()),
        Scale::Logarithmic => {
            let positive = points().map(|p| p.1).filter(|y| *y > 0.0);
            let low_y = positive.reduce(f64::min)?;
            let range = low_y * 0.8..(high_y * 1.3).max(low_y * 10.0);
            draw(plot, x, Axis::Logarithmic(range))
        }
    }
}

/// The vertical axis, before plotters' two kinds of coordinates.
enum Axis {
    Linear(std::ops::Range<f64>),
    Logarithmic(std::ops::Range<f64>),
}

impl From<std::ops::Range<f64>> for Axis {
    fn from(range: std::ops::Range<f64>) -> Axis {
        Axis::Linear(range)
    }
}

/// Draws over either kind of axis: they are different types to plotters.
fn draw(plot: &Lines, x: std::ops::Range<f64>, y: Axis) -> Option<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut builder = ChartBuilder::on(&root);
        builder
            .margin(12)
            .margin_right(RIGHT)
            .x_label_area_size(80)
            .y_label_area_size(LEFT);
        match y {
            Axis::Linear(range) => {
                let mut chart = builder.build_cartesian_2d(x, range).ok()?;
                style(&mut chart, plot)?;
                curves(&mut chart, plot)?;
            }
            Axis::Logarithmic(range) => {
                let range = range.log_scale();
                let mut chart = builder.build_cartesian_2d(x, range).ok()?;
                style(&mut chart, plot)?;
                curves(&mut chart, plot)?;
            }
        }
        root.present().ok()?;
    }
    Some(dress(svg))
}

type Chart<'a, 'b, Y> =
    ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordF64, Y>>;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::coord::types::RangedCoordf64 as RangedCoordF64;

fn style<Y>(chart: &mut Chart<'_, '_, Y>, plot: &Lines) -> Option<()>
where
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let ticks = plot.ticks.clone();
    let x_label = move |x: &f64| {
        if ticks.is_empty() {
            return super::numbers::tick(*x);
        }
        let near = ticks.iter().find(|(at, _)| (at - x).abs() < 1e-6);
        near.map_or(String::new(), |(_, text)| text.clone())
    };
    chart
        .configure_mesh()
        .x_desc(plot.x.clone())
        .y_desc(plot.y.clone())
        .x_labels(if plot.ticks.is_empty() { 6 } else { 12 })
        .y_labels(6)
        .x_label_formatter(&x_label)
        .y_label_formatter(&|y| super::numbers::tick(*y))
        .label_style(FONT.into_font().color(&TEXT))
        .axis_desc_style(FONT.into_font().color(&TEXT))
        .axis_style(GRID)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()
        .ok()
}

fn curves<Y>(chart: &mut Chart<'_, '_, Y>, plot: &Lines) -> Option<()>
where
    Y: Ranged<ValueType = f64>,
{
    for (ink, points) in &plot.curves {
        let style = ink.sentinel().stroke_width(4);
        let line = LineSeries::new(points.iter().copied(), style);
        chart.draw_series(line).ok()?;
        if points.len() <= 20 {
            let dots = points
                .iter()
                .map(|point| Circle::new(*point, 6, ink.sentinel().filled()));
            chart.draw_series(dots).ok()?;
        }
    }
    Some(())
}

/// Draws bars, with their values on top. `None` if there are none.
pub fn bars(plot: &Bars) -> Option<String> {
    let height = |bars: &[(Ink, f64)]| match plot.stacking {
        Stacking::Stacked => bars.iter().map(|bar| bar.1.max(0.0)).sum(),
        Stacking::Beside => bars.iter().map(|bar| bar.1).fold(0.0, f64::max),
    };
    let tallest =
        plot.groups.iter().map(|(_, b)| height(b)).reduce(f64::max)?;
    let top = tallest.max(1e-6) * 1.15;
    let count = plot.groups.len() as f64;
    let size = value_size(plot);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&root)
            .margin(12)
            .x_label_area_size(48)
            .y_label_area_size(LEFT)
            .build_cartesian_2d(0.0..count, 0.0..top)
            .ok()?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .disable_x_axis()
            .y_desc(plot.y.clone())
            .y_labels(6)
            .y_label_formatter(&|y| super::numbers::tick(*y))
            .label_style(FONT.into_font().color(&TEXT))
            .axis_desc_style(FONT.into_font().color(&TEXT))
            .axis_style(GRID)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .draw()
            .ok()?;
        for (at, (_, bars)) in plot.groups.iter().enumerate() {
            for bar in rectangles(at as f64, bars, plot.stacking) {
                let (ink, left, right, low, high, value) = bar;
                if value.is_nan() {
                    continue;
                }
                let corners = [(left, low), (right, high)];
                let style = ink.sentinel().filled();
                let shape = Rectangle::new(corners, style);
                chart.draw_series([shape]).ok()?;
                if plot.stacking == Stacking::Beside {
                    let place = ((left + right) / 2.0, high);
                    label(&mut chart, place, value, size)?;
                }
            }
            if plot.stacking == Stacking::Stacked {
                let total = height(bars);
                label(&mut chart, (at as f64 + 0.5, total), total, size)?;
            }
        }
        names(&root, plot)?;
        root.present().ok()?;
    }
    Some(dress(svg))
}

/// The values of many narrow bars must not run into each other.
fn value_size(plot: &Bars) -> u32 {
    let bars: usize = plot.groups.iter().map(|(_, bars)| bars.len()).sum();
    match plot.stacking {
        Stacking::Beside if bars > 9 => 21,
        _ => FONT.1,
    }
}

type Rect = (Ink, f64, f64, f64, f64, f64);

/// Colour, left, right, bottom, top and value of each bar of a group.
fn rectangles(at: f64, bars: &[(Ink, f64)], stacking: Stacking) -> Vec<Rect> {
    let width = 0.76 / bars.len().max(1) as f64;
    let mut below = 0.0;
    bars.iter()
        .enumerate()
        .map(|(nth, (ink, value))| match stacking {
            Stacking::Beside => {
                let left = at + 0.12 + width * nth as f64;
                (*ink, left, left + width * 0.94, 0.0, *value, *value)
            }
            Stacking::Stacked => {
                let low = below;
                below += value.max(0.0);
                (*ink, at + 0.25, at + 0.75, low, below, *value)
            }
        })
        .collect()
}

fn label<Y>(
    chart: &mut Chart<'_, '_, Y>,
    place: (f64, f64),
    value: f64,
    size: u32,
) -> Option<()>
where
    Y: Ranged<ValueType = f64>,
{
    use plotters::style::text_anchor::{HPos, Pos, VPos};
    let style = ("sans-serif", size)
        .into_font()
        .color(&TEXT)
        .pos(Pos::new(HPos::Center, VPos::Bottom));
    let text = super::numbers::number(value);
    chart.draw_series([Text::new(text, place, style)]).ok()?;
    Some(())
}

/// The groups' names, under their middles.
fn names(
    root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    plot: &Bars,
) -> Option<()> {
    use plotters::style::text_anchor::{HPos, Pos, VPos};
    let (left, right) = (f64::from(LEFT) + 12.0, f64::from(SIZE.0) - 12.0);
    let width = (right - left) / plot.groups.len() as f64;
    let style =
        FONT.into_font().color(&TEXT).pos(Pos::new(HPos::Center, VPos::Top));
    for (at, (name, _)) in plot.groups.iter().enumerate() {
        let x = left + width * (at as f64 + 0.5);
        let place = (x as i32, SIZE.1 as i32 - 50);
        root.draw(&Text::new(name.clone(), place, style.clone())).ok()?;
    }
    Some(())
}

/// Puts the style sheet's variables where the sentinels are.
fn dress(mut svg: String) -> String {
    for (sentinel, variable) in VARIABLES {
        svg = svg.replace(sentinel, variable);
    }
    for n in 0..8 {
        for ink in [Ink::Server(n), Ink::Kind(n)] {
            let RGBColor(r, g, b) = ink.sentinel();
            let sentinel = format!("#{r:02X}{g:02X}{b:02X}");
            svg = svg.replace(&sentinel, &ink.variable());
        }
    }
    let fixed = format!("width=\"{}\" height=\"{}\"", SIZE.0, SIZE.1);
    svg.replacen(&fixed, "role=\"img\"", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawings_take_their_colours_from_the_page() {
        let plot = Lines {
            x: "s".to_owned(),
            y: "ms".to_owned(),
            scale: Scale::Logarithmic,
            curves: vec![(ink("event-loop"), vec![(0.0, 1.0), (1.0, 9.0)])],
            ticks: Vec::new(),
        };
        let svg = lines(&plot).expect("two points");
        assert!(svg.contains("var(--c1)") && svg.contains("currentColor"));
        assert!(!svg.contains("#010101") && svg.contains("role=\"img\""));
    }

    #[test]
    fn nothing_draws_nothing() {
        let groups = Vec::new();
        let stacking = Stacking::Stacked;
        let y = "KiB".to_owned();
        assert_eq!(bars(&Bars { y, groups, stacking }), None);
    }
}
