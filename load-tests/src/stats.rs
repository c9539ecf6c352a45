//! The statistics that the report stands on: medians with their range, and
//! straight lines with what is not known about their slope.
//!
//! Pure; tested against values worked out elsewhere.

/// The middle of some repetitions, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median, in the unit of the values.
    pub median: f64,
    /// The smallest value.
    pub low: f64,
    /// The largest value.
    pub high: f64,
    /// How many values there were.
    pub count: usize,
}

/// The median and range of `values`; `None` if there are none.
///
/// With few repetitions a standard deviation would be a guess dressed up as
/// a number; a range is what was seen.
pub fn spread(values: &[f64]) -> Option<Spread> {
    let mut sorted: Vec<f64> =
        values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (*sorted.first()?, *sorted.last()?);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    };
    Some(Spread { median, low, high, count: sorted.len() })
}

/// A straight line through points, by least squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Units of y for one more of x.
    pub slope: f64,
    /// y where x is 0.
    pub intercept: f64,
    /// Half the width of the slope's 95 % confidence interval.
    pub slope_ci95: f64,
    /// The part of y's variance that the line explains, 0 to 1.
    pub r_squared: f64,
}

/// The line through `points`; `None` with fewer than three, or when all
/// have the same x.
pub fn line(points: &[(f64, f64)]) -> Option<Line> {
    if points.len() < 3 {
        return None;
    }
    let n = points.len() as f64;
    let mean_x = points.iter().map(|p| p.0).sum::<f64>() / n;
    let mean_y = points.iter().map(|p| p.1).sum::<f64>() / n;
    let (mut sxx, mut sxy, mut syy) = (0.0, 0.0, 0.0);
    for (x, y) in points {
        sxx += (x - mean_x).powi(2);
        sxy += (x - mean_x) * (y - mean_y);
        syy += (y - mean_y).powi(2);
    }
    if sxx == 0.0 {
        return None;
    }
    let slope = sxy / sxx;
    let unexplained = (syy - slope * sxy).max(0.0);
    let standard_error = (unexplained / (n - 2.0) / sxx).sqrt();
    Some(Line {
        slope,
        intercept: mean_y - slope * mean_x,
        slope_ci95: student_t_975(points.len() - 2) * standard_error,
        r_squared: if syy == 0.0 { 1.0 } else { 1.0 - unexplained / syy },
    })
}

/// Student's t for a two-sided 95 % interval (any table of it).
fn student_t_975(degrees_of_freedom: usize) -> f64 {
    const TABLE: [f64; 20] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
        2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    ];
    match degrees_of_freedom {
        0 => f64::INFINITY,
        n if n <= TABLE.len() => TABLE[n - 1],
        n if n <= 40 => 2.021,
        _ => 1.96,
    }
}

/// Whether two sets of repetitions differ by more than their own noise.
///
/// The band is the wider of the two ranges, and at least `floor` (a share,
/// 0.05 is 5 %) of the first median: with two or three repetitions no test
/// of significance would say more.
pub fn differs(a: &[f64], b: &[f64], floor: f64) -> Option<bool> {
    let (a, b) = (spread(a)?, spread(b)?);
    let noise = (a.high - a.low).max(b.high - b.low);
    let band = noise.max(a.median.abs() * floor);
    Some((b.median - a.median).abs() > band)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-3 * b.abs().max(1.0)
    }

    #[test]
    fn the_median_is_the_middle_or_between_two() {
        let odd = spread(&[3.0, 1.0, 2.0]).expect("three values");
        assert_eq!((odd.median, odd.low, odd.high), (2.0, 1.0, 3.0));
        let even = spread(&[4.0, 1.0, 3.0, 2.0]).expect("four values");
        assert_eq!(even.median, 2.5);
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[f64::NAN]), None);
    }

    #[test]
    fn a_perfect_line_has_no_uncertainty() {
        let points: Vec<_> =
            (0..5).map(|x| (x as f64, 7.0 + 2.5 * x as f64)).collect();
        let line = line(&points).expect("five points");
        assert!(close(line.slope, 2.5) && close(line.intercept, 7.0));
        assert!(line.slope_ci95 < 1e-6 && close(line.r_squared, 1.0));
    }

    /// Anscombe's first quartet: slope 0.5001, standard error 0.1179,
    /// R² 0.6665 (Anscombe 1973).
    #[test]
    fn anscombes_first_set_gives_anscombes_numbers() {
        let x = [10., 8., 13., 9., 11., 14., 6., 4., 12., 7., 5.];
        let y =
            [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68];
        let points: Vec<_> = x.into_iter().zip(y).collect();
        let line = line(&points).expect("eleven points");
        assert!(close(line.slope, 0.5001), "{line:?}");
        assert!(close(line.intercept, 3.0001), "{line:?}");
        assert!(close(line.slope_ci95, 2.262 * 0.1179), "{line:?}");
        assert!(close(line.r_squared, 0.6665), "{line:?}");
    }

    #[test]
    fn too_few_points_or_one_x_make_no_line() {
        assert_eq!(line(&[(0.0, 1.0), (1.0, 2.0)]), None);
        assert_eq!(line(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]), None);
    }

    #[test]
    fn a_difference_inside_the_noise_is_none() {
        assert_eq!(differs(&[10.0, 12.0], &[11.0, 13.0], 0.05), Some(false));
        assert_eq!(differs(&[10.0, 10.1], &[13.0, 13.1], 0.05), Some(true));
        assert_eq!(differs(&[100.0], &[104.0], 0.05), Some(false));
        assert_eq!(differs(&[], &[1.0], 0.05), None);
    }
}
